/** The gateway's operations on the balance of placement. */
import type { Body, Query, Schema } from '@fairlead/api-client';
import type { ServiceKind } from '@fairlead/contracts';
import type { Having, Loose } from './http/answer.js';
import type { Caller } from './http/caller.js';

export type Balance = Having<Schema<'RebalancePreview'>, (typeof balanceFields)[number]>;
export type PlacementExplanation = Loose<Schema<'PlacementExplanation'>>;
export type Shard = Loose<Schema<'Shard'>>;
export type TenantBalance = Loose<Schema<'TenantBalance'>>;

const balanceFields = ['revision', 'moves', 'shards'] as const;

/** Binds these operations to a client. */
export function createPlacementApi({ one }: Caller) {
  return {
    rebalance: (query: Query<'placement.rebalance'>) => one('placement.rebalance', { query }, balanceFields),
    whatIf: (query: Query<'placement.whatIf'>) => one('placement.whatIf', { query }, [...balanceFields, 'stranded']),
    shardList: (query: Query<'shards.list'>) => one('shards.list', { query }, ['items']),
    explainPlacement: (query: Query<'placement.explain'>) => one('placement.explain', { query }, ['shard']),
    /** `ifMatch` left out makes a shard, or replaces whatever is there. */
    putShard: (kind: ServiceKind, shardId: string, body: Body<'shards.put'>, ifMatch?: string) =>
      one('shards.put', { path: { kind, shard_id: shardId }, headers: ifMatch === undefined ? {} : { 'If-Match': ifMatch }, body }),
    tenantBalance: (id: string) => one('placement.tenant', { path: { id } }, ['load']),
    putTenantBalance: (id: string, body: Body<'placement.putTenant'>, ifMatch: string) =>
      one('placement.putTenant', { path: { id }, headers: { 'If-Match': ifMatch }, body }, ['load']),
  };
}
