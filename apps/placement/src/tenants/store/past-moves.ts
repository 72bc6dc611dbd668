import type { PlacedKind } from '@fairlead/contracts';
import { readNewest } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import type { PastMove } from '../domain/rebalance/explain.js';

/** Events that are read at once. */
const pageSize = 200;

/** A tenant's newest moves of a kind as the event log has them, the newest first, `limit` at most. Throws UnreadableEvent. */
export async function readPastMoves(sql: Sql, kind: PlacedKind, tenantId: string, limit: number): Promise<PastMove[]> {
  const found: PastMove[] = [];
  let before: number | undefined;
  while (found.length < limit) {
    const moved = { aggregateType: 'placement_map', aggregateId: tenantId, types: ['tenant_moved'] } as const;
    const events = await readNewest(sql, { ...moved, before, limit: pageSize });
    if (events.length === 0) break;
    before = events.at(-1)?.version;
    for (const { payload, meta, recordedAt } of events)
      for (const { from, to } of payload.moves.filter((move) => move.kind === kind))
        found.push({ from, to, movedAtMs: recordedAt.getTime(), reason: meta.reason ?? '' });
  }
  return found.slice(0, limit);
}
