import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';

const everyMs = 60 * 60 * 1000;

/** Makes the log's partitions ahead of need: now and every hour. Answers how to end it. */
export function keepPartitions({ sql, logger }: { sql: Sql; logger: Logger }): () => void {
  const make = () => {
    sql.query<{ made: number }>('select log.ensure_partitions() as made').then(
      ([row]) => {
        if ((row?.made ?? 0) > 0) logger.info({ made: row?.made }, 'partitions of the event log were made');
      },
      (error: unknown) => {
        logger.error({ err: error }, 'partitions of the event log could not be made; trying again within the hour');
      },
    );
  };
  make();
  const timer = setInterval(make, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
