import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';

const everyMs = 10_000;
/** How long it may take to go through the whole table once: so much longer than 7 days an id may be known. */
const roundMs = 6 * 60 * 60 * 1_000;
/** Of the table, in one statement; what log.forget_commands takes. */
const blocksAtOnce = 128;

/**
 * Forgets the ids of commands that were appended more than 7 days ago: goes through a part of them now and every 10 s,
 * as `audit`, which alone may. Answers how to end it.
 */
export function forgetCommands({ sql, logger }: { sql: Sql; logger: Logger }): () => void {
  let block = 0;
  let busy = false;
  const look = async () => {
    if (busy) return;
    busy = true;
    try {
      block = await forgetFrom(sql, block);
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

/** One look's share of the table, in small transactions; answers the block to go on from, 0 after the last. */
export async function forgetFrom(sql: Sql, block: number): Promise<number> {
  for (let statements = 1, next = block; ; statements += 1) {
    const [row] = await sql.query<{ next_block: number; blocks: number }>('select next_block, blocks from log.forget_commands($1)', [next]);
    next = row?.next_block ?? 0;
    const share = ((row?.blocks ?? 0) * everyMs) / roundMs / blocksAtOnce;
    if (next === 0 || statements >= share) return next;
  }
}
