/** Cordoning a shard as a plan says, and opening it again. */
import type { ServiceKind } from '@fairlead/contracts';
import type { StepContext, StepResult } from '../engine/kind.js';
import type { KindDependencies } from './clients.js';
import { actionsOf } from './tenants.js';

/** The parameters of kinds that change a shard. */
export interface OneShard {
  readonly kind: ServiceKind;
  readonly shard: string;
}

/** From the revision that was planned with: one that was changed since is planned anew. Leaves the revision that the shard has now. */
export async function cordonShard(deps: KindDependencies, context: StepContext<OneShard>): Promise<StepResult> {
  const { kind, shard: shardId } = context.params;
  const planned = plannedRevision(context);
  if (actionsOf(context, 'cordon').length === 0) return { outcome: 'done', output: { revision: planned } };
  const request = { kind, shardId, state: 'cordoned', expectedRevision: planned, reason: context.reason };
  const { revision } = await deps.placement.setShardState(request, { signal: context.signal });
  return { outcome: 'done', output: { revision } };
}

/** Takes a cordon back; what was cordoned before stays so. */
export async function openShard(deps: KindDependencies, context: StepContext<OneShard>): Promise<StepResult> {
  const { kind, shard: shardId } = context.params;
  if (actionsOf(context, 'cordon').length > 0)
    await deps.placement.setShardState(
      { kind, shardId, state: 'active', expectedRevision: 0, reason: context.reason },
      { signal: context.signal },
    );
  return { outcome: 'done' };
}

/** The shard's revision that the plan was made from. */
export function plannedRevision({ params: { kind, shard }, plan }: StepContext<OneShard>): number {
  return plan.inputs.find(({ resource }) => resource === `shard/${kind}/${shard}`)?.revision ?? 0;
}
