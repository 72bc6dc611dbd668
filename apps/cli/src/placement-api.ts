/** The gateway's operations on the balance of placement. */
import type { Body, Query, Schema } from '@fairlead/api-client';
import type { Having, Loose } from './http/answer.js';
import type { Caller } from './http/caller.js';

export type Balance = Having<Schema<'RebalancePreview'>, (typeof balanceFields)[number]>;
export type PlacementExplanation = Loose<Schema<'PlacementExplanation'>>;
export type TenantBalance = Loose<Schema<'TenantBalance'>>;

const balanceFields = ['revision', 'moves', 'shards'] as const;

/** Binds these operations to a client. */
export function createPlacementApi({ one }: Caller) {
  return {
    rebalance: (query: Query<'placement.rebalance'>) => one('placement.rebalance', { query }, balanceFields),
    whatIf: (query: Query<'placement.whatIf'>) => one('placement.whatIf', { query }, [...balanceFields, 'stranded']),
    explainPlacement: (query: Query<'placement.explain'>) => one('placement.explain', { query }, ['shard']),
    tenantBalance: (id: string) => one('placement.tenant', { path: { id } }, ['load']),
    putTenantBalance: (id: string, body: Body<'placement.putTenant'>, ifMatch: string) =>
      one('placement.putTenant', { path: { id }, headers: { 'If-Match': ifMatch }, body }, ['load']),
  };
}
