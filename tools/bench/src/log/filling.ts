/** A log with so many events in it, for those who read it. */
import { createAppender, headPosition } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { meta, payload } from './stores.js';

const tenants = 5_000;

/** Appends events of 5,000 tenants in turn; answers the last position. */
export async function fillLog(db: Database, events: number): Promise<number> {
  const appender = createAppender({ sql: db });
  const atOnce = 5_000;
  for (let from = 0; from < events; from += atOnce) {
    const count = Math.min(atOnce, events - from);
    await Promise.all(
      Array.from({ length: count }, (_, n) => {
        const aggregateId = `tenant-${String((from + n) % tenants)}`;
        const event = { aggregateType: 'tenant', aggregateId, type: 'tenant_created', payload, meta } as const;
        return appender.append({ events: [event] });
      }),
    );
  }
  await appender.close();
  return headPosition(db);
}
