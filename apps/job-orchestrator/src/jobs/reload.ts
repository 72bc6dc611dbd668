/** Makes every endpoint of a shard read its configuration again. */
import { z } from 'zod';
import { FairleadError, serviceKinds, type fleetV1, type placementV1 } from '@fairlead/contracts';
import type { JobKind, PlanDraft, StepContext, StepResult } from '../engine/kind.js';
import type { KindDependencies } from './clients.js';
import { preflight } from './preflight.js';
import { commandOf, patient, shardName, shardResource } from './tenants.js';

const params = z.strictObject({ kind: z.enum(serviceKinds), shard: shardName });
type Params = z.output<typeof params>;

interface Inputs {
  shard: placementV1.Shard;
  health: fleetV1.EndpointHealth[];
}

export function reload(deps: KindDependencies): JobKind<Params, Inputs> {
  const kind: JobKind<Params, Inputs> = {
    kind: 'reload',
    version: 1,
    permission: 'fleet.reload',
    params,
    deadlineMs: 5 * 60_000,
    locks: (input) => [`shard/${input.kind}/${input.shard}`],
    tenantOf: () => undefined,
    readInputs: async (input) => {
      const { shard } = await deps.placement.getShard({ kind: input.kind, shardId: input.shard });
      if (shard === undefined) throw new FairleadError('shard_not_found', `There is no ${input.kind} shard ${input.shard}`);
      return { shard, health: (await deps.fleet.checkShard({ kind: input.kind, shardId: input.shard })).endpoints };
    },
    plan: planReload,
    steps: [
      preflight<Params>(() => kind),
      {
        name: 'reload',
        attemptTimeoutMs: 10_000,
        timeoutMs: 120_000,
        retry: patient,
        run: (context) => reloadShard(deps, context),
        undo: { none: 'a reload reads what is there; it changes nothing that could be put back' },
      },
    ],
  };
  return kind;
}

/** Plans a reload from what was seen; pure. */
export function planReload(_params: Params, { shard, health }: Inputs): PlanDraft {
  const away = health.filter((endpoint) => !endpoint.reachable).map((endpoint) => endpoint.endpointId);
  return {
    actions: [
      {
        name: 'reload',
        description: `make ${shard.kind} ${shard.shardId} read its configuration again`,
        kind: shard.kind,
        fromShardId: shard.shardId,
        toShardId: shard.shardId,
      },
    ],
    checks: [
      {
        name: 'endpoints_reachable',
        verdict: away.length === 0 ? 'pass' : 'block',
        value: `${String(health.length - away.length)} of ${String(health.length)}`,
        limit: 'all',
        message: away.length === 0 ? 'all endpoints answer' : `no answer from ${away.join(', ')}`,
      },
    ],
    impact: { tenants: [], services: [`${shard.kind}/${shard.shardId}`], expectedPauseMs: 0 },
    inputs: [{ resource: shardResource(shard), revision: shard.revision }],
  };
}

async function reloadShard(deps: KindDependencies, context: StepContext<Params>): Promise<StepResult> {
  const { kind, shard } = context.params;
  const { endpoints } = await deps.provisioner.reloadShard(
    { kind, shardId: shard, command: commandOf(context, kind) },
    { signal: context.signal },
  );
  return {
    outcome: 'done',
    output: { applied_revision: Object.fromEntries(endpoints.map((endpoint) => [endpoint.endpointId, endpoint.appliedRevision])) },
  };
}
