import type { PlacedKind } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { PastMove } from '../domain/rebalance/explain.js';

/** A tenant's newest moves of a kind as the event log has them, the newest first, `limit` at most. */
export async function readPastMoves(sql: Sql, kind: PlacedKind, tenantId: string, limit: number): Promise<PastMove[]> {
  // By version: the log's index of aggregates gives that order, newest first.
  const rows = await sql.query<{ moves: { kind: string; from: string; to: string }[]; reason: string | null; recorded_at: Date }>(
    `select payload -> 'moves' as moves, meta ->> 'reason' as reason, recorded_at from log.event
      where aggregate_type = 'placement_map' and aggregate_id = $1 and type = 'tenant_moved' and payload @> $2::jsonb
      order by version desc limit $3`,
    [tenantId, JSON.stringify({ moves: [{ kind }] }), limit],
  );
  return rows.flatMap(({ moves, reason, recorded_at: recordedAt }) =>
    moves.filter((move) => move.kind === kind).map(({ from, to }) => ({ from, to, movedAtMs: recordedAt.getTime(), reason: reason ?? '' })),
  );
}
