import { Gauge } from 'prom-client';
import { describeError } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { Logger, Registry } from '@fairlead/telemetry';
import { readSealing, type Sealing } from '../store/segments.js';

/** Reports how far the trail is sealed, as of the scrape. What can't be looked at is no number: a scrape that failed for it would take all other metrics along. */
export function reportSealing({ sql, registry, logger }: { sql: Sql; registry: Registry; logger: Logger }): void {
  let looking: Promise<Sealing | undefined> | undefined;
  /** One look for all that are scraped together. */
  const look = () =>
    (looking ??= readSealing(sql)
      .catch((error: unknown) => {
        logger.debug({ reason: describeError(error) }, 'how far the trail is sealed could not be looked at');
        return undefined;
      })
      .finally(() => (looking = undefined)));
  const gauge = (name: string, help: string, valueOf: (sealing: Sealing) => number) =>
    new Gauge({
      name: `fairlead_audit_${name}`,
      help,
      registers: [registry],
      async collect() {
        const sealing = await look();
        this.set(sealing === undefined ? NaN : valueOf(sealing));
      },
    });
  gauge('sealed_position', 'Up to which position the trail is in sealed segments.', ({ sealedUntil }) => sealedUntil);
  gauge('dropped_position', 'Up to which position records have left the trail for sealed segments.', ({ droppedUntil }) => droppedUntil);
  gauge('sealing_stopped', '1 while nothing can be sealed; the log and fairlead stuck say why.', ({ trouble }) =>
    trouble === null ? 0 : 1,
  );
}
