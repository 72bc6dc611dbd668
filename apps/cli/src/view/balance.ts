import type { Balance, PlacementExplanation, TenantBalance } from '../placement-api.js';
import { fields, table } from './table.js';

/** What would move, and what comes of it by shard. */
export function renderBalance(balance: Balance, stranded: readonly string[] = []): string {
  const head = fields([
    ['revision', balance.revision],
    ['ratio', `${rounded(balance.ratio_before)} before, ${rounded(balance.ratio_after)} after`],
    ['moves', balance.moves.length],
    ...(stranded.length === 0 ? [] : [['stranded', stranded.join(' ')] as const]),
  ]);
  const moves = table(
    ['tenant', 'from', 'to', 'load', 'why'],
    balance.moves.map(({ tenant_id: tenant, from, to, load, why }) => [tenant, from, to, load, why]),
  );
  const shards = table(
    ['shard', 'tenants', 'load', 'ratio', 'left over'],
    balance.shards.map((shard) => [
      shard.shard_id,
      `${shard.tenants_before} > ${shard.tenants_after}`,
      `${rounded(shard.load_before)} > ${rounded(shard.load_after)}`,
      `${rounded(shard.ratio_before)} > ${rounded(shard.ratio_after)}`,
      shard.left_over?.message,
    ]),
  );
  return [head, ...(balance.moves.length === 0 ? [] : [moves]), shards].join('\n');
}

/** Why a tenant is where it is. */
export function renderPlacementExplanation(told: PlacementExplanation): string {
  const head = fields([
    ['shard', told.shard],
    ['because', told.because],
    ['since', told.since],
    ['reason', told.reason],
    ['load', told.load],
    ['pinned', told.pinned === true ? 'yes' : 'no'],
    ['shard ratio', rounded(told.shard_ratio)],
  ]);
  if (told.moves == null || told.moves.length === 0) return head;
  return `${head}\n${table(
    ['moved', 'from', 'to', 'reason'],
    told.moves.map((move) => [move.moved_at, move.from, move.to, move.reason]),
  )}`;
}

/** What balancing heeds of a tenant. */
export function renderTenantBalance(balance: TenantBalance): string {
  return fields([
    ['tenant', balance.tenant_id],
    ['load', balance.load],
    ['pinned', balance.pinned?.join(' ')],
    ['group', balance.anti_affinity],
    ['revision', balance.revision],
  ]);
}

function rounded(value: number | null | undefined): string {
  return value == null ? '-' : String(Number(value.toPrecision(4)));
}
