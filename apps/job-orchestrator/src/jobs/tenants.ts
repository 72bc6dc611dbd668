/** What the tenant jobs have in common: their parameters, and looking at a tenant and its shards. */
import { z } from 'zod';
import { FairleadError, namePattern, placedKinds, type PlacedKind, type placementV1, type provisionerV1 } from '@fairlead/contracts';
import type { Action, Check, InputRevision, RetryPolicy, StepContext, StepResult } from '../engine/kind.js';
import { findOpenJobOn } from '../store/jobs.js';
import type { JobClients, KindDependencies } from './clients.js';
import { isSilentShard } from './one-look.js';

export const tenantName = z.string('a tenant id is expected').regex(namePattern, 'not a tenant id');
export const shardName = z.string('a shard id is expected').regex(namePattern, 'not a shard id');

export const minuteMs = 60_000;

/** Tries again for longer than any outage that ends by itself soon: the step's own limit decides. */
export const patient: RetryPolicy = { maxAttempts: 1_000, baseDelayMs: 100, maxDelayMs: 2_000 };

/** A tenant and, unless all are meant, the kinds of service concerned. */
export const tenantAndKinds = z.strictObject({
  tenant: tenantName,
  kinds: z
    .array(z.enum(placedKinds))
    .min(1)
    .transform((kinds) => [...new Set(kinds)].sort())
    .optional(),
  /** The shard that it has to be on, for each of these kinds: who has moved away since is left alone. */
  shard: shardName.optional(),
});
export type TenantAndKinds = z.output<typeof tenantAndKinds>;

/** A tenant on the shard that placement says, for one kind. */
export interface Seat {
  kind: PlacedKind;
  shardId: string;
  revision: number;
}

/** A tenant's seats for some kinds (all when undefined), in kind order; throws `tenant_not_found`. */
export async function readSeats(clients: JobClients, tenant: string, kinds?: readonly PlacedKind[]): Promise<Seat[]> {
  return (await readPlacement(clients, tenant, kinds)).seats;
}

/** The same, with why changes of placement do not reach the gateways at present ('' when they do). */
export async function readPlacement(
  clients: JobClients,
  tenant: string,
  kinds?: readonly PlacedKind[],
): Promise<{ seats: Seat[]; publicationProblem: string }> {
  const { tenant: found, publicationProblem } = await clients.placement.getTenant({ tenantId: tenant });
  const wanted: readonly PlacedKind[] = kinds ?? placedKinds;
  const seats = wanted.map((kind) => {
    const seat = found?.assignments.find((assignment) => assignment.kind === kind);
    if (seat === undefined) throw new FairleadError('tenant_not_found', `Tenant ${tenant} has no place on any ${kind}`);
    return { kind, shardId: seat.shardId, revision: seat.revision };
  });
  return { seats, publicationProblem };
}

/** A tenant's state on each seat, undefined where the shard does not answer. */
export async function readStates(
  clients: JobClients,
  tenant: string,
  seats: readonly Seat[],
): Promise<(provisionerV1.TenantState | undefined)[]> {
  return Promise.all(
    seats.map(async (seat) => {
      try {
        return (await clients.provisioner.getTenantState({ target: onShard(tenant, seat) })).state;
      } catch (error) {
        if (isSilentShard(error)) return undefined;
        throw error;
      }
    }),
  );
}

export function onShard(tenant: string, seat: { kind: string; shardId: string }): provisionerV1.TenantOnShard {
  return { tenantId: tenant, kind: seat.kind, shardId: seat.shardId };
}

/** The command context of a step, told apart by name: each operation on each kind is a command of its own. */
export function commandOf(context: StepContext<unknown>, name: string): provisionerV1.CommandContext {
  return { idempotencyKey: `${context.idempotencyKey}:${name}`, fence: context.fence, reason: context.reason };
}

/** The actions of a plan that are of one name. */
export function actionsOf(context: StepContext<unknown>, name: string): Action[] {
  return context.plan.actions.filter((action) => action.name === name);
}

export function shardResource(shard: placementV1.Shard): string {
  return `shard/${shard.kind}/${shard.shardId}`;
}

export function seatResource(tenant: string, kind: string): string {
  return `placement/${tenant}/${kind}`;
}

/** Sends one command for each action of a name, all at once; done when all are. */
export async function commandEach(
  context: StepContext<unknown>,
  { actionName, operation }: { actionName: string; operation: string },
  send: (action: Action, command: provisionerV1.CommandContext) => Promise<unknown>,
): Promise<StepResult> {
  await allDone(actionsOf(context, actionName).map((action) => send(action, commandOf(context, `${operation}:${action.kind}`))));
  return { outcome: 'done' };
}

/** Waits until all have ended, so that nothing of a step is still on its way when it is undone; then throws the first error. */
export async function allDone<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(calls);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** Drains the tenant on each shard; answers at once, the wait is a step of its own. */
export function drainAll(clients: JobClients, context: StepContext<{ tenant: string }>): Promise<StepResult> {
  return commandEach(context, { actionName: 'drain', operation: 'drain' }, ({ kind, fromShardId }, command) =>
    clients.provisioner.drainTenant(
      { target: onShard(context.params.tenant, { kind, shardId: fromShardId }), command },
      { signal: context.signal },
    ),
  );
}

/** Lets a shard of each action serve the tenant: the one it comes from, or the one it goes to. */
export function resumeAll(
  clients: JobClients,
  context: StepContext<{ tenant: string }>,
  actionName: string,
  at: 'fromShardId' | 'toShardId',
): Promise<StepResult> {
  return commandEach(context, { actionName, operation: 'resume' }, (action, command) =>
    clients.provisioner.resumeTenant(
      { target: onShard(context.params.tenant, { kind: action.kind, shardId: action[at] }), command },
      { signal: context.signal },
    ),
  );
}

/** Removes the copy that each action left at a shard; `movedRevision` 0 when the tenant never moved. */
export function dropAll(
  clients: JobClients,
  context: StepContext<{ tenant: string }>,
  { actionName, at, movedRevision }: { actionName: string; at: 'fromShardId' | 'toShardId'; movedRevision: number },
): Promise<StepResult> {
  return commandEach(context, { actionName, operation: 'drop' }, (action, command) =>
    clients.provisioner.dropTenantCopy(
      { target: onShard(context.params.tenant, { kind: action.kind, shardId: action[at] }), command, movedRevision },
      { signal: context.signal },
    ),
  );
}

/** What the jobs that stay where the tenant is look at. */
export interface SeatInputs {
  seats: { seat: Seat; state: provisionerV1.TenantState | undefined }[];
  openJobId: string | undefined;
}

/** Reads a tenant's seats with its state on each, and whether another job is on it. */
export async function readSeatInputs(deps: KindDependencies, { tenant, kinds }: TenantAndKinds): Promise<SeatInputs> {
  const [seats, openJobId] = await Promise.all([readSeats(deps, tenant, kinds), findOpenJobOn(deps.sql, [`tenant/${tenant}`])]);
  const states = await readStates(deps, tenant, seats);
  return { seats: seats.map((seat, index) => ({ seat, state: states[index] })), openJobId };
}

/** Blocks when a tenant has left the shard that it was to be on. */
export function placedThere({ tenant, shard }: TenantAndKinds, { seats }: SeatInputs): Check[] {
  if (shard === undefined) return [];
  const elsewhere = seats.find(({ seat }) => seat.shardId !== shard)?.seat;
  return [
    {
      name: 'placed_there',
      verdict: elsewhere === undefined ? 'pass' : 'block',
      value: elsewhere?.shardId ?? shard,
      limit: shard,
      message: elsewhere === undefined ? `${tenant} is on ${shard}` : `${tenant} has moved to ${elsewhere.kind} ${elsewhere.shardId}`,
    },
  ];
}

/** The input revisions of a plan that rests on where a tenant is. */
export function seatRevisions(tenant: string, seats: readonly Seat[]): InputRevision[] {
  return seats.map((seat) => ({ resource: seatResource(tenant, seat.kind), revision: seat.revision }));
}

/** Looks often at first, when most drains end. */
const drainPollMs = [10, 15, 25, 40, 60];
/** How long one run of a waiting step looks before it reports back. */
export const lookForMs = 5_000;

/** Looks until every shard has drained the tenant; `wait` when some have not yet. */
export async function awaitDrained(clients: JobClients, context: StepContext<{ tenant: string }>): Promise<StepResult> {
  const seats = actionsOf(context, 'drain').map((action) => ({ kind: action.kind, shardId: action.fromShardId }));
  let pending: string[] = [];
  let looks = 0;
  const until = performance.now() + lookForMs;
  do {
    const states = await Promise.all(
      seats.map(async (seat) => ({
        seat,
        state: (await clients.provisioner.getTenantState({ target: onShard(context.params.tenant, seat) }, { signal: context.signal }))
          .state,
      })),
    );
    const open = states.filter(({ state }) => state?.state !== 'drained' && state?.state !== 'sealed');
    if (open.length === 0) {
      return {
        outcome: 'done',
        output: { last_seq: Object.fromEntries(states.map(({ seat, state }) => [seat.kind, state?.lastSeq ?? 0])) },
      };
    }
    const wrong = open.find(({ state }) => state?.state !== 'draining');
    if (wrong !== undefined) {
      return {
        outcome: 'failed',
        error: {
          code: 'tenant_state',
          message: `${wrong.seat.kind} ${wrong.seat.shardId}: the tenant is ${wrong.state?.state ?? 'unknown'}, not draining`,
        },
      };
    }
    pending = open.map(
      ({ seat, state }) =>
        `${seat.kind} ${seat.shardId} has ${String(state?.inflight ?? 0)} in work and ${String(state?.lag ?? 0)} unapplied`,
    );
    await pause(drainPollMs[Math.min(looks++, drainPollMs.length - 1)] ?? 60, context.signal);
  } while (performance.now() < until);
  return { outcome: 'wait', delayMs: 50, note: pending.join('; ') };
}

/** Waits a moment; rejects when the signal aborts. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(new Error('interrupted'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, delayMs);
    signal.addEventListener('abort', abort, { once: true });
  });
}
