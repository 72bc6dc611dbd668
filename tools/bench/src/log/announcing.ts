/** Who appends what a thousand readers wait for, in a process of its own. */
import { setTimeout as pause } from 'node:timers/promises';
import { createAppender, pokeLog } from '@fairlead/event-log';
import { openBus, type Bus } from './bus.js';
import { openOurDatabase } from './database.js';
import { meta, payload } from './stores.js';
import { nowMs, type Times } from './watching.js';

export interface AnnounceOptions {
  url: string;
  bus: Bus;
  /** Published for each event after its commit, on `<subject>.<tenant>`: how the peer's subscribers hear. Left out: we poke the log's readers. */
  publish?: { subject: string; data: string };
  /** Events that readers want; as many go to another tenant, and are rejected by all. */
  events: number;
  perSecond: number;
}

export const wantedTenant = 'fan-wanted';
export const rejectedTenant = 'fan-rejected';

/** Appends events of both tenants in turn, at a steady pace; answers when each of the wanted ones was committed. */
export async function prepareAnnounce({ url, bus, publish, events, perSecond }: AnnounceOptions): Promise<() => Promise<Times>> {
  const db = await openOurDatabase(url);
  const messaging = await openBus(bus, { readOnly: true });
  const appender = createAppender({ sql: db });
  const announce = async (tenant: string): Promise<number> => {
    const event = { aggregateType: 'tenant', aggregateId: tenant, type: 'tenant_created', payload, meta } as const;
    const outcome = await appender.append({ events: [event] });
    const committed = nowMs();
    if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome));
    if (publish === undefined) pokeLog(messaging, outcome.lastPosition);
    else messaging.connection?.publish(`${publish.subject}.${tenant}`, publish.data);
    return committed;
  };
  return async () => {
    const begun = nowMs();
    const committed: Promise<number>[] = [];
    for (let n = 0; n < events * 2; n += 1) {
      const late = begun + (n * 500) / perSecond - nowMs();
      if (late > 1) await pause(late);
      const time = announce(n % 2 === 0 ? rejectedTenant : wantedTenant);
      if (n % 2 === 1) committed.push(time);
    }
    const times = await Promise.all(committed);
    await appender.close();
    await messaging.close();
    await db.close();
    return times;
  };
}
