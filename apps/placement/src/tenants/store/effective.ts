import type { Sql } from '@fairlead/postgres';
import type { Increment } from '../domain/effective.js';
import type { ShardRow } from './shards.js';

const shardJson = `json_build_object('kind', s.kind, 'shardId', s.shard_id, 'endpoints', s.endpoints, 'weight', s.weight, 'labels', s.labels, 'state', s.state,
  'maxLoad', s.max_load, 'revision', s.revision, 'tenants', s.tenants)`;

/** What changed after a revision; -1 for everything. One statement, so that it sees one revision. */
export async function readIncrement(sql: Sql, after: number): Promise<Increment> {
  const [row] = await sql.query<Increment>(
    `select m.epoch, m.revision,
       coalesce((select json_agg(json_build_array(a.tenant_id, a.kind, a.shard_id)) from assignment a where a.revision > $1), '[]') as assignments,
       coalesce((select json_agg(${shardJson}) from shard s where s.revision > $1), '[]') as shards
     from meta m`,
    [after],
  );
  if (row === undefined) throw new Error('the row of meta is missing');
  return row;
}

/** The whole placement at one revision. */
export interface WholePlacement {
  readonly epoch: number;
  readonly revision: number;
  /** kind → tenant → shard; a kind without tenants is left out. */
  readonly maps: Readonly<Record<string, Record<string, string>>>;
  readonly shards: readonly ShardRow[];
  /** What was last published of this epoch. */
  readonly publishedRevision: number;
}

/** Reads the whole placement in one statement, hence at one revision; without tenants the maps are empty. */
export async function readWholePlacement(sql: Sql, { tenants }: { tenants: boolean }): Promise<WholePlacement> {
  const [row] = await sql.query<WholePlacement>(
    `select m.epoch, m.revision,
       coalesce((select json_object_agg(k.kind, k.shards_by_tenant)
         from (select kind, json_object_agg(tenant_id, shard_id) as shards_by_tenant from assignment where $1 group by kind) k), '{}') as maps,
       coalesce((select json_agg(${shardJson} order by s.kind, s.shard_id) from shard s where s.state <> 'removed'), '[]') as shards,
       p.revision as "publishedRevision"
     from meta m cross join publication p`,
    [tenants],
  );
  if (row === undefined) throw new Error('the row of meta is missing');
  return row;
}
