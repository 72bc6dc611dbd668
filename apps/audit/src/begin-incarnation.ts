import { appendInTransaction, pokeLog, type BeginIncarnation } from '@fairlead/event-log';
import type { Messaging } from '@fairlead/messaging';
import type { Database } from '@fairlead/postgres';
import { newContext, runInContext } from '@fairlead/telemetry';

/** The aggregate of what concerns the event log as a whole. */
const wholeLog = 'log';

/**
 * Begins the next incarnation of the log and records it, in one transaction. Of several replicas that find the same
 * incarnation to be over, one begins the next.
 */
export function beginIncarnation({ database, messaging }: { database: Database; messaging: Messaging }): BeginIncarnation {
  return async ({ after, incarnation, cause }) => {
    const position = await runInContext(newContext({ principal: 'service:audit' }), () =>
      database.transaction(async (tx) => {
        const [row] = await tx.query<{ begun: string | null }>('select log.begin_incarnation_after($1, $2)::text as begun', [
          after,
          incarnation,
        ]);
        const begun = row?.begun ?? null;
        if (begun === null) return undefined;
        const { lastPosition } = await appendInTransaction(tx, {
          events: [
            { aggregateType: 'event_log', aggregateId: wholeLog, type: 'incarnation_begun', payload: { incarnation: begun, after, cause } },
          ],
        });
        return lastPosition;
      }),
    );
    if (position !== undefined) pokeLog(messaging, position);
  };
}
