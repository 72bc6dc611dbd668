/** Handing a tenant's state over to its targets, and seeing that it is still there. */
import { FairleadError, type PlacedKind, type provisionerV1 } from '@fairlead/contracts';
import type { Action, StepContext, StepFailure, StepResult } from '../engine/kind.js';
import type { JobClients } from './clients.js';
import { actionsOf, allDone, commandOf, minuteMs, onShard } from './tenants.js';

/** What was handed over, by the origin's word: `last_seq` is the last command that the copy holds, `entries` what the origin counts in it, if it does. */
export interface HandedCopy {
  readonly bytes: number;
  readonly sha256: string;
  readonly last_seq: number;
  readonly entries?: number;
}

/** What the step `hand-over` leaves for later ones, per kind. */
export type HandedOver = Partial<Record<PlacedKind, HandedCopy>>;

/** Seals the tenant's state at each origin and copies it to the target, where it does not serve. */
export async function handOver(clients: JobClients, context: StepContext<{ tenant: string }>): Promise<StepResult> {
  const copies = await allDone(
    actionsOf(context, 'hand-over').map(async (action) => {
      const request = {
        from: onShard(context.params.tenant, { kind: action.kind, shardId: action.fromShardId }),
        toShardId: action.toShardId,
        command: commandOf(context, action.kind),
      };
      const copy = await clients.provisioner.handOverTenant(request, { signal: context.signal, deadlineMs: 9 * minuteMs });
      const { bytes, sha256, lastSeq: last_seq, entries } = copy;
      return [action.kind, { bytes, sha256, last_seq, ...(entries === undefined ? {} : { entries }) }] as const;
    }),
  );
  return { outcome: 'done', output: Object.fromEntries(copies) };
}

/** Asks each target for the copy that it was handed; one that does not answer is asked again by the step's next run. */
export async function verifyCopy(clients: JobClients, context: StepContext<{ tenant: string }>): Promise<StepResult> {
  const handed = context.outputs['hand-over'] as HandedOver;
  const problems = await allDone(
    actionsOf(context, 'hand-over').map(async (action) => {
      const target = onShard(context.params.tenant, { kind: action.kind, shardId: action.toShardId });
      const { state } = await clients.provisioner.getTenantState({ target }, { signal: context.signal });
      return copyProblem(action, state, handed[action.kind as PlacedKind]);
    }),
  );
  const problem = problems.find((found) => found !== undefined);
  return problem === undefined ? { outcome: 'done' } : { outcome: 'failed', error: { code: 'tenant_state', message: problem } };
}

/**
 * Why a target has not got its copy at this moment: it holds something else, or does not answer the provisioner; undefined
 * when all have it. Throws when the provisioner can't tell, which says nothing about the targets.
 */
export async function copyLost(clients: JobClients, context: StepContext<{ tenant: string }>): Promise<StepFailure | undefined> {
  try {
    const looked = await verifyCopy(clients, context);
    return looked.outcome === 'failed' ? looked.error : undefined;
  } catch (error) {
    if (!(error instanceof FairleadError) || error.details['endpoint_id'] === undefined) throw error;
    return { code: error.code, message: error.message };
  }
}

/**
 * What is wrong with a tenant's copy at its target, if something is: it has to end at the command at which the sealed one ends, and
 * where the origin counts what it holds (rule H8 of the fleet contract), the target has to come to the same count and checksum.
 */
export function copyProblem(
  { kind, toShardId }: Pick<Action, 'kind' | 'toShardId'>,
  state: provisionerV1.TenantState | undefined,
  handed: HandedCopy | undefined,
): string | undefined {
  if (state?.state !== 'imported') return `the tenant is ${state?.state ?? 'unknown'} on its target ${kind} ${toShardId}, not imported`;
  if (handed === undefined) return `nothing tells what was handed over to ${kind} ${toShardId}`;
  const { copy, lastSeq } = state;
  const sealed = [
    ['last command', lastSeq, handed.last_seq],
    ...(handed.entries === undefined
      ? []
      : ([
          ['count of entries', copy?.entries, handed.entries],
          ['checksum', copy?.sha256, handed.sha256],
        ] as const)),
  ] as const;
  const other = sealed.find(([, told, expected]) => told !== expected);
  if (other === undefined) return undefined;
  const [what, told, expected] = other;
  return `the copy on ${kind} ${toShardId} is not the one handed over: its ${what} is ${String(told ?? 'not told')}, not ${String(expected)}`;
}
