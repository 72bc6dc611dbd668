import type { Sql } from '@fairlead/postgres';
import type { ShardSnapshot, TenantSnapshot } from '../domain/rebalance/types.js';

/** What a rebalance of one kind is planned from, at one revision. */
export interface KindSnapshot {
  readonly epoch: number;
  readonly revision: number;
  readonly shards: readonly (Omit<ShardSnapshot, 'healthy'> & {
    readonly labels: Readonly<Record<string, string>>;
    readonly endpoints: number;
  })[];
  readonly tenants: readonly TenantSnapshot[];
}

/** Reads a kind's shards and tenants, what is said of these, and when each tenant came where it is by a move. One statement, so that it sees one revision. */
export async function readKindSnapshot(sql: Sql, kind: string): Promise<KindSnapshot> {
  const [row] = await sql.query<KindSnapshot>(
    `select m.epoch, m.revision,
       coalesce((select json_agg(json_strip_nulls(json_build_object('shardId', s.shard_id, 'weight', s.weight, 'state', s.state, 'labels', s.labels,
           'endpoints', jsonb_array_length(s.endpoints), 'maxLoad', s.max_load))) from shard s where s.kind = $1 and s.state <> 'removed'), '[]')
         as shards,
       coalesce((select json_agg(json_strip_nulls(json_build_object('tenantId', a.tenant_id, 'shardId', a.shard_id,
           'load', coalesce(b.load, 1), 'pinned', coalesce(a.kind = any(b.pinned), false), 'antiAffinity', b.anti_affinity,
           'lastMovedAtMs', floor(extract(epoch from v.moved_at) * 1000))) order by a.tenant_id)
         from assignment a left join move v on v.tenant_id = a.tenant_id and v.revision = a.revision
         left join tenant_balance b on b.tenant_id = a.tenant_id where a.kind = $1), '[]') as tenants
     from meta m`,
    [kind],
  );
  if (row === undefined) throw new Error('the row of meta is missing');
  return row;
}
