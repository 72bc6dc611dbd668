import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';

const everyMs = 10_000;
/** Ids in one statement; each is a transaction of its own. */
const batch = 1_000;
/** Batches at one look: more than appenders fill in between, little enough to be done before the next. */
const maxBatches = 100;

/**
 * Forgets the ids of commands that were appended more than 7 days ago: looks now and every 10 s, as `audit`, which
 * alone may. Answers how to end it.
 */
export function forgetCommands({ sql, logger }: { sql: Sql; logger: Logger }): () => void {
  let busy = false;
  const look = async () => {
    if (busy) return;
    busy = true;
    try {
      const forgotten = await forgetOldCommands(sql);
      if (forgotten > 0) logger.debug({ forgotten }, 'old command ids of the event log were forgotten');
    } catch (error) {
      logger.error({ err: error }, 'old command ids of the event log could not be forgotten; it is tried again');
    } finally {
      busy = false;
    }
  };
  void look();
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** Forgets what is old enough, in small batches; answers how many ids. */
export async function forgetOldCommands(sql: Sql): Promise<number> {
  let forgotten = 0;
  for (let n = 0; n < maxBatches; n += 1) {
    const [row] = await sql.query<{ forgotten: number }>('select log.forget_commands($1) as forgotten', [batch]);
    forgotten += row?.forgotten ?? 0;
    if ((row?.forgotten ?? 0) < batch) break;
  }
  return forgotten;
}
