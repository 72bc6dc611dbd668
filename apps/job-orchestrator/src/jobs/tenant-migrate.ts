/**
 * Moves a tenant to other shards without losing or repeating a command.
 *
 * The tenant pauses from the drain to the resume. Until the placement is updated everything can be taken back:
 * the target's copy is dropped and the origin, which only sealed its state, serves again. The placement update
 * is the point of no return, so the target is looked at once more before it; after it the job goes forward, and going back is a migration of its own.
 */
import { z } from 'zod';
import { FairleadError, placedKinds, type fleetV1, type PlacedKind, type placementV1, type provisionerV1 } from '@fairlead/contracts';
import type { Action, Check, JobKind, PlanDraft, Step, StepContext, StepResult } from '../engine/kind.js';
import { findOpenJobOn } from '../store/jobs.js';
import { gatewaysAlive, placementPublished, noOtherJob, originChecks, targetChecks, type Limits } from './checks.js';
import type { KindDependencies } from './clients.js';
import { copyLost, handOver, verifyCopy, type HandedOver } from './hand-over.js';
import { preflight } from './preflight.js';
import type { Turns } from './turns.js';
import {
  actionsOf,
  awaitDrained,
  drainAll,
  dropAll,
  lookForMs,
  minuteMs,
  onShard,
  patient,
  pause,
  readPlacement,
  readSeats,
  readStates,
  resumeAll,
  seatResource,
  shardName,
  shardResource,
  tenantName,
  type Seat,
} from './tenants.js';

const params = z.strictObject({
  tenant: tenantName,
  /** Where to, per kind. */
  moves: z
    .partialRecord(z.enum(placedKinds), shardName)
    .refine((moves) => Object.keys(moves).length > 0, 'name at least one kind and its target shard'),
});
type Params = z.output<typeof params>;

/** What a migration's plan is made from. */
export interface MigrationInputs {
  moves: {
    seat: Seat;
    originState: provisionerV1.TenantState | undefined;
    targetState: provisionerV1.TenantState | undefined;
    target: placementV1.Shard;
    targetHealth: fleetV1.EndpointHealth[];
  }[];
  gateways: fleetV1.GatewayPlacement[];
  openJobId: string | undefined;
  publicationProblem: string;
}

export function tenantMigrate(deps: KindDependencies, turns: Turns): JobKind<Params, MigrationInputs> {
  const kind: JobKind<Params, MigrationInputs> = {
    kind: 'tenant-migrate',
    version: 2,
    permission: 'tenant.migrate',
    params,
    deadlineMs: 30 * minuteMs,
    locks: ({ tenant }) => [`tenant/${tenant}`],
    tenantOf: ({ tenant }) => tenant,
    readInputs: (input) => readMigrationInputs(deps, input),
    plan: (input, inputs) => planMigration(input, inputs, deps.settings),
    steps: steps(deps, turns, () => kind),
  };
  return kind;
}

/** Looks at a tenant, its targets and the gateways. */
export async function readMigrationInputs(deps: KindDependencies, { tenant, moves }: Params): Promise<MigrationInputs> {
  const kinds = placedKinds.filter((kind) => moves[kind] !== undefined);
  const [{ seats, publicationProblem }, openJobId, { gateways }] = await Promise.all([
    readPlacement(deps, tenant, kinds),
    findOpenJobOn(deps.sql, [`tenant/${tenant}`]),
    deps.fleet.getAppliedPlacement({}),
  ]);
  const states = await readStates(deps, tenant, seats);
  const read = seats.map(async (seat, index) => {
    const shardId = moves[seat.kind] ?? '';
    const { shard } = await deps.placement.getShard({ kind: seat.kind, shardId });
    if (shard === undefined) throw new FairleadError('shard_not_found', `There is no ${seat.kind} shard ${shardId}`);
    const { endpoints } = await deps.fleet.checkShard({ kind: seat.kind, shardId });
    const [targetState] = await readStates(deps, tenant, [{ ...seat, shardId }]);
    return { seat, originState: states[index], targetState, target: shard, targetHealth: endpoints };
  });
  return { moves: await Promise.all(read), gateways, openJobId, publicationProblem };
}

/** Plans a migration from what was seen; pure, the same for the same inputs. */
export function planMigration({ tenant }: Params, inputs: MigrationInputs, limits: Limits): PlanDraft {
  const { moves } = inputs;
  return {
    actions: moves.length === 0 ? [] : actionNames.flatMap((name) => moves.map((move) => actionOf(name, tenant, move))),
    checks: [
      ...moves.flatMap((move) => checksOf(move, limits)),
      gatewaysAlive(inputs.gateways),
      placementPublished(inputs.publicationProblem),
      noOtherJob(inputs.openJobId),
    ],
    impact: {
      tenants: [tenant],
      services: [
        ...new Set(moves.flatMap(({ seat, target }) => [`${seat.kind}/${seat.shardId}`, `${target.kind}/${target.shardId}`])),
      ].sort(),
      expectedPauseMs: 300 + 50 * moves.length,
    },
    inputs: moves.flatMap(({ seat, target }) => [
      { resource: seatResource(tenant, seat.kind), revision: seat.revision },
      { resource: shardResource(target), revision: target.revision },
    ]),
  };
}

const actionNames = ['drain', 'hand-over', 'update-placement', 'resume', 'drop-sealed-copy'] as const;

function actionOf(name: (typeof actionNames)[number], tenant: string, { seat, target }: MigrationInputs['moves'][number]): Action {
  const [from, to] = [`${seat.kind} ${seat.shardId}`, `${target.kind} ${target.shardId}`];
  const description = {
    drain: `stop new work of ${tenant} on ${from} and let work in flight finish`,
    'hand-over': `seal ${tenant}'s state on ${from} and copy it to ${to}`,
    'update-placement': `place ${tenant} on ${to}, if it is still on ${from} at revision ${String(seat.revision)}`,
    resume: `let ${to} serve ${tenant}`,
    'drop-sealed-copy': `remove the sealed copy from ${from}`,
  }[name];
  return { name, description, kind: seat.kind, fromShardId: seat.shardId, toShardId: target.shardId };
}

function checksOf({ seat, originState, targetState, target, targetHealth }: MigrationInputs['moves'][number], limits: Limits): Check[] {
  const there = seat.shardId === target.shardId;
  const active = target.state === 'active';
  const copy = targetState?.state ?? 'no answer';
  const free = there || ['absent', 'moved', 'imported'].includes(copy);
  return [
    {
      name: `${seat.kind}.not_already_there`,
      verdict: there ? 'block' : 'pass',
      value: seat.shardId,
      limit: `not ${target.shardId}`,
      message: there ? `the tenant is already on ${seat.kind} ${target.shardId}` : `the tenant is on ${seat.kind} ${seat.shardId}`,
    },
    {
      name: `${seat.kind}.target_takes_tenants`,
      verdict: active ? 'pass' : 'block',
      value: target.state,
      limit: 'active',
      message: active
        ? `${target.kind} ${target.shardId} takes tenants`
        : `${target.kind} ${target.shardId} is ${target.state} and takes no tenants`,
    },
    {
      name: `${seat.kind}.target_has_no_copy`,
      verdict: free ? 'pass' : 'block',
      value: copy,
      limit: 'absent, moved or imported',
      message: free
        ? `nothing stands in the way on ${target.kind} ${target.shardId}`
        : `the tenant is ${copy} on ${target.kind} ${target.shardId}`,
    },
    ...targetChecks(target.kind, target.shardId, targetHealth, limits),
    ...originChecks(seat.kind, seat.shardId, originState, ['active'], limits),
  ];
}

function steps(deps: KindDependencies, turns: Turns, kind: () => JobKind<Params, MigrationInputs>): Step<Params>[] {
  return [
    preflight<Params>(kind, turns),
    {
      name: 'drain',
      attemptTimeoutMs: 10_000,
      timeoutMs: minuteMs,
      retry: patient,
      run: (context) => drainAll(deps, context),
      undoTimeoutMs: deps.settings.undoTimeoutMs,
      undo: async (context) => {
        const result = await resumeAll(deps, context, 'drain', 'fromShardId');
        turns.give(context.jobId);
        return result;
      },
    },
    {
      name: 'wait-drained',
      attemptTimeoutMs: lookForMs + 10_000,
      timeoutMs: deps.settings.drainTimeoutMs,
      retry: patient,
      run: (context) => awaitDrained(deps, context),
      undo: { none: 'it only looks' },
    },
    {
      name: 'hand-over',
      attemptTimeoutMs: 10 * minuteMs,
      timeoutMs: deps.settings.handOverTimeoutMs,
      retry: patient,
      run: (context) => handOver(deps, context),
      undoTimeoutMs: deps.settings.undoTimeoutMs,
      undo: async (context) => {
        // First the tenant, then the copy: a target that is away must not keep the origin sealed, nor others waiting.
        await resumeAll(deps, context, 'hand-over', 'fromShardId');
        turns.give(context.jobId);
        return dropAll(deps, context, { actionName: 'hand-over', at: 'toShardId', movedRevision: 0 });
      },
    },
    {
      name: 'verify-copy',
      attemptTimeoutMs: 10_000,
      timeoutMs: deps.settings.handOverTimeoutMs,
      retry: patient,
      run: (context) => verifyCopy(deps, context),
      undo: { none: 'it only looks' },
    },
    {
      name: 'update-placement',
      attemptTimeoutMs: 10_000,
      timeoutMs: deps.settings.forwardTimeoutMs,
      retry: patient,
      pointOfNoReturn: true,
      run: (context) => updatePlacement(deps, context),
      undo: { none: 'once placed, the tenant belongs to the target; going back is a migration of its own' },
    },
    {
      name: 'wait-gateways',
      attemptTimeoutMs: lookForMs + 10_000,
      timeoutMs: deps.settings.forwardTimeoutMs,
      retry: patient,
      run: (context) => awaitGateways(deps, context),
      undo: { none: 'after the point of no return' },
    },
    {
      name: 'resume',
      attemptTimeoutMs: 10_000,
      timeoutMs: deps.settings.forwardTimeoutMs,
      retry: patient,
      run: async (context) => {
        const result = await resumeAll(deps, context, 'resume', 'toShardId');
        turns.give(context.jobId);
        return result;
      },
      undo: { none: 'after the point of no return' },
    },
    {
      name: 'verify',
      attemptTimeoutMs: 10_000,
      timeoutMs: deps.settings.forwardTimeoutMs,
      retry: patient,
      run: (context) => verify(deps, context),
      undo: { none: 'it only looks' },
    },
    {
      name: 'drop-sealed-copy',
      attemptTimeoutMs: 10_000,
      timeoutMs: deps.settings.forwardTimeoutMs,
      retry: patient,
      run: (context) => dropSealed(deps, context),
      undo: { none: 'the target has been verified' },
    },
  ];
}

/** Refusals that placement gives only after it has looked the key up: then nothing was moved, not by an earlier run either. */
const certainRefusals: ReadonlySet<string> = new Set(['revision_mismatch', 'plan_stale', 'shard_not_found', 'tenant_not_found']);

async function updatePlacement(deps: KindDependencies, context: StepContext<Params>): Promise<StepResult> {
  const { tenant } = context.params;
  // Nothing was sent yet: the last chance to see that the target died since it was looked at, however long that is ago.
  const lost = context.attempt === 1 ? await copyLost(deps, context) : undefined;
  if (lost !== undefined) return { outcome: 'failed', error: lost };
  const revisions = new Map(context.plan.inputs.map((input) => [input.resource, input.revision]));
  const moved = await settleMove(
    deps.placement.moveTenant(
      {
        tenantId: tenant,
        moves: actionsOf(context, 'update-placement').map((action) => ({
          kind: action.kind,
          toShardId: action.toShardId,
          expectedRevision: revisions.get(seatResource(tenant, action.kind)) ?? 0,
        })),
        idempotencyKey: context.idempotencyKey,
        fence: context.fence,
        reason: context.reason,
      },
      { signal: context.signal },
    ),
  );
  return { outcome: 'done', output: { epoch: moved.epoch, revision: moved.revision } };
}

/** Any other error leaves open whether an earlier run has moved the tenant: asked again until that is known. */
async function settleMove<T>(move: Promise<T>): Promise<T> {
  try {
    return await move;
  } catch (error) {
    if (error instanceof FairleadError && certainRefusals.has(error.code)) throw error;
    throw new FairleadError('unavailable', 'placement did not say whether the tenant was moved', { cause: error });
  }
}

/** Looks often at first, when most gateways follow. */
const gatewayPollMs = [10, 15, 25, 40, 60];

/** Looks until every gateway that is alive has applied the new placement. */
async function awaitGateways(deps: KindDependencies, context: StepContext<Params>): Promise<StepResult> {
  const wanted = context.outputs['update-placement'] as { epoch: number; revision: number };
  const until = performance.now() + lookForMs;
  let note = '';
  let looks = 0;
  do {
    const { gateways } = await deps.fleet.getAppliedPlacement({}, { signal: context.signal });
    const alive = gateways.filter((gateway) => gateway.alive);
    const behind = alive.filter((gateway) => !hasApplied(gateway, wanted));
    if (alive.length > 0 && behind.length === 0) {
      const away = gateways.filter((gateway) => !gateway.alive).map((gateway) => gateway.endpointId);
      return { outcome: 'done', output: { applied: alive.map((gateway) => gateway.endpointId), not_alive: away } };
    }
    note = alive.length === 0 ? 'no gateway is alive' : `behind: ${behind.map((gateway) => gateway.endpointId).join(', ')}`;
    await pause(gatewayPollMs[Math.min(looks++, gatewayPollMs.length - 1)] ?? 60, context.signal);
  } while (performance.now() < until);
  return { outcome: 'wait', delayMs: 100, note };
}

/** True when a gateway serves from this placement or a later one. */
export function hasApplied(gateway: { epoch: number; revision: number }, wanted: { epoch: number; revision: number }): boolean {
  return gateway.revision >= wanted.revision && gateway.epoch >= wanted.epoch;
}

/** The target serves, has everything that was handed over, and the origin does not serve any more. */
async function verify(deps: KindDependencies, context: StepContext<Params>): Promise<StepResult> {
  const { tenant } = context.params;
  const handed = context.outputs['hand-over'] as HandedOver;
  const actions = actionsOf(context, 'resume');
  const seats = await readSeats(deps, tenant, actions.map((action) => action.kind) as PlacedKind[]);
  for (const [index, action] of actions.entries()) {
    const [origin, target] = await Promise.all(
      [action.fromShardId, action.toShardId].map(
        async (shardId) =>
          (await deps.provisioner.getTenantState({ target: onShard(tenant, { kind: action.kind, shardId }) }, { signal: context.signal }))
            .state,
      ),
    );
    const problem = verdictOn(action, seats[index]?.shardId, origin, target, handed[action.kind as PlacedKind]?.last_seq ?? 0);
    if (problem !== undefined) return { outcome: 'failed', error: { code: 'tenant_state', message: problem } };
  }
  return { outcome: 'done' };
}

function verdictOn(
  action: Action,
  placedOn: string | undefined,
  origin: provisionerV1.TenantState | undefined,
  target: provisionerV1.TenantState | undefined,
  handedSeq: number,
): string | undefined {
  if (placedOn !== action.toShardId) return `placement says ${action.kind} ${placedOn ?? 'nowhere'}, not ${action.toShardId}`;
  if (target?.state !== 'active') return `the tenant is ${target?.state ?? 'unknown'} on its target ${action.kind} ${action.toShardId}`;
  if (target.lastSeq < handedSeq)
    return `${action.kind} ${action.toShardId} has applied ${String(target.lastSeq)}, less than the ${String(handedSeq)} handed over`;
  if (origin?.state !== 'sealed' && origin?.state !== 'moved' && origin?.state !== 'absent')
    return `the origin ${action.kind} ${action.fromShardId} is ${origin?.state ?? 'unknown'}, not sealed`;
  return undefined;
}

function dropSealed(deps: KindDependencies, context: StepContext<Params>): Promise<StepResult> {
  const { revision } = context.outputs['update-placement'] as { revision: number };
  return dropAll(deps, context, { actionName: 'drop-sealed-copy', at: 'fromShardId', movedRevision: revision });
}
