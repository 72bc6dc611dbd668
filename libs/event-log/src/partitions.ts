import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';

const everyMs = 10_000;

/** Makes the log's partitions ahead of need: looks now and every 10 s, which costs one row read. Answers how to end it. */
export function keepPartitions({ sql, logger }: { sql: Sql; logger: Logger }): () => void {
  const make = () => {
    sql.query<{ made: number }>('select log.keep_partitions() as made').then(
      ([row]) => {
        if ((row?.made ?? 0) > 0) logger.info({ made: row?.made }, 'partitions of the event log were made');
      },
      (error: unknown) => {
        logger.error({ err: error }, 'partitions of the event log could not be made; it is tried again');
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
