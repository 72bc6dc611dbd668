import type { Sql, Transaction } from '@fairlead/postgres';
import type { PlacedKind } from '@fairlead/contracts';
import type { Candidate } from '../domain/balance.js';
import type { ShardSpec } from '../domain/shards.js';

/** A shard as it stands. */
export interface ShardRow extends ShardSpec {
  readonly revision: number;
  readonly tenants: number;
}

const columns = `kind, shard_id as "shardId", endpoints, weight, labels, state, max_load as "maxLoad", revision, tenants`;

/** Rows of shards that were removed stay for publishers; to everybody else there are none. */
const present = `state <> 'removed'`;

/** One shard, or undefined. */
export async function findShard(sql: Sql, kind: string, shardId: string): Promise<ShardRow | undefined> {
  const [row] = await sql.query<ShardRow>(`select ${columns} from shard where kind = $1 and shard_id = $2 and ${present}`, [kind, shardId]);
  return row;
}

/** All shards of a kind, or of all kinds for an empty one, by kind and id. */
export async function listShards(sql: Sql, kind: string): Promise<ShardRow[]> {
  return sql.query<ShardRow>(`select ${columns} from shard where ($1 = '' or kind = $1) and ${present} order by kind, shard_id`, [kind]);
}

/** The shards a tenant may be placed on: the active ones of the kinds, and those asked for in whatever state. */
export async function candidateShards(sql: Sql, kinds: readonly PlacedKind[], wanted: readonly string[]): Promise<Candidate[]> {
  return sql.query<Candidate>(
    `select kind, shard_id as "shardId", weight, state, tenants, jsonb_array_length(endpoints) as endpoints from shard where kind = any($1) and ${present}
       and (state = 'active' or shard_id = any($2))`,
    [kinds, wanted],
  );
}

/** Writes a shard as it will stand at a revision, and that revision as placement's own. */
export async function writeShard(tx: Transaction, shard: ShardSpec, revision: number): Promise<void> {
  await tx.query(
    `with bumped as (update meta set revision = $7)
     insert into shard (kind, shard_id, endpoints, weight, labels, state, revision, max_load) values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (kind, shard_id) do update set endpoints = excluded.endpoints, weight = excluded.weight, labels = excluded.labels,
       state = excluded.state, revision = excluded.revision, max_load = excluded.max_load`,
    [
      ...[shard.kind, shard.shardId, JSON.stringify(shard.endpoints), shard.weight, JSON.stringify(shard.labels), shard.state, revision],
      shard.maxLoad,
    ],
  );
}

/** Marks a shard as removed at a revision, and writes that as placement's own. */
export async function writeRemoval(
  tx: Transaction,
  { kind, shardId }: Pick<ShardSpec, 'kind' | 'shardId'>,
  revision: number,
): Promise<void> {
  await tx.query(
    `with bumped as (update meta set revision = $3) update shard set state = 'removed', revision = $3 where kind = $1 and shard_id = $2`,
    [kind, shardId, revision],
  );
}
