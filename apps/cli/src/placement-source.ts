import { serviceKinds, type PlacedKind } from '@fairlead/contracts';
import type { Placement } from './api.js';
import { CliError } from './exit.js';

/** The placement that the gateway told, in the form in which it stands in files. Throws CliError when it did not tell all. */
export function sourceOf(placement: Placement) {
  const map = (kind: PlacedKind) =>
    new Map(Object.entries(placement[`${kind}_placement`]).map(([tenant, { shard }]) => [tenant, known(shard)]));
  return {
    epoch: placement.epoch,
    revision: placement.revision,
    maps: { aggregate: map('aggregate'), projection: map('projection'), runner: map('runner') },
    shards: serviceKinds.flatMap((kind) =>
      Object.entries(placement.shards[kind] ?? {}).map(([shardId, shard]) => ({
        kind,
        shardId,
        endpoints: known(shard.endpoints).map(({ endpoint_id: id, url }) => ({ endpointId: known(id), url: known(url) })),
        weight: shard.weight ?? 1,
        labels: shard.labels ?? {},
        state: shard.state ?? 'active',
      })),
    ),
  };
}

/** Throws rather than let a file tell less than is in effect. */
function known<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new CliError('the gateway did not tell all of the placement; nothing was done');
  return value;
}
