import type { PlacementChanges } from '../placement-changes.js';
import { table } from './table.js';
import { printable } from './text.js';

/** What an import did, or would do. */
export function renderImport({ shards, tenants, moves, kept }: PlacementChanges, done: boolean): string {
  const parts: string[] = [];
  if (shards.length > 0) {
    const rows = shards.map(({ shard: { kind, shardId }, differs }) => [kind, shardId, differs.join(', ')]);
    parts.push(`${done ? 'Shards put' : 'Shards to put'}\n${table(['kind', 'shard', 'what'], rows)}`);
  }
  if (tenants.length > 0) {
    const rows = tenants.map(({ tenantId, placement }) => [tenantId, placement.aggregate, placement.projection, placement.runner]);
    parts.push(`${done ? 'Tenants made' : 'Tenants to make'}\n${table(['tenant', 'aggregate', 'projection', 'runner'], rows)}`);
  }
  if (parts.length === 0) parts.push('Every shard and every tenant of the documents is there.\n');
  if (moves.length > 0) {
    const rows = moves.map(({ tenantId, kind, from, to }) => [tenantId, kind, from, to]);
    const commands = moves.map(
      ({ tenantId, kind, to }) => `  fairlead tenant migrate ${printable(tenantId)} --to ${kind}=${to} --reason "…"\n`,
    );
    parts.push(
      `Tenants that are elsewhere; an import moves none\n${table(['tenant', 'kind', 'is on', 'wanted on'], rows)}${commands.join('')}`,
    );
  }
  if (kept.shards.length > 0) parts.push(`Shards that the documents do not have stay: ${printable(kept.shards.join(', '))}\n`);
  if (kept.tenants.length > 0) parts.push(`Tenants that the documents do not have stay: ${printable(kept.tenants.join(', '))}\n`);
  return parts.join('\n');
}
