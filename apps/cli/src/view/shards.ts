import type { Shard } from '../placement-api.js';
import { fields, table } from './table.js';

const endpointsOf = ({ endpoints }: Shard) => endpoints?.map(({ url }) => url ?? '-').join(' ');
const labelsOf = ({ labels }: Shard) =>
  Object.entries(labels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/** A list of shards. */
export function renderShards(shards: readonly Shard[]): string {
  return table(
    ['kind', 'shard', 'state', 'tenants', 'weight', 'max load', 'labels', 'endpoints'],
    shards.map((shard) => [
      ...[shard.kind, shard.shard_id, shard.state, shard.tenants, shard.weight, shard.max_load],
      ...[labelsOf(shard), endpointsOf(shard)],
    ]),
  );
}

/** One shard. */
export function renderShard(shard: Shard): string {
  return fields([
    ['kind', shard.kind],
    ['shard', shard.shard_id],
    ['state', shard.state],
    ['tenants', shard.tenants],
    ['weight', shard.weight],
    ['max load', shard.max_load],
    ['labels', labelsOf(shard)],
    ['endpoints', endpointsOf(shard)],
    ['revision', shard.revision],
  ]);
}
