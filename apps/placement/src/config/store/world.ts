import type { Sql } from '@fairlead/postgres';
import type { KnownShard } from '../domains/define.js';

/** All shards, and of some tenants those that there are: what a document is held against. */
export async function readWorld(sql: Sql, tenants: readonly string[]): Promise<{ shards: KnownShard[]; tenants: ReadonlySet<string> }> {
  const [row] = await sql.query<{ shards: KnownShard[]; tenants: string[] }>(
    `select
       coalesce((select json_agg(json_build_object('kind', kind, 'shardId', shard_id, 'state', state, 'labels', labels)
         order by kind, shard_id) from shard where state <> 'removed'), '[]') as shards,
       coalesce((select json_agg(tenant_id) from tenant where tenant_id = any($1)), '[]') as tenants`,
    [tenants],
  );
  if (row === undefined) throw new Error('a select without from answers one row');
  return { shards: row.shards, tenants: new Set(row.tenants) };
}
