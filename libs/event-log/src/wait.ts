import { FairleadError } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import { Bell } from './bell.js';

export interface WaitOptions {
  sql: Sql;
  name: string;
  position: number;
  timeoutMs: number;
  messaging?: Messaging;
  signal?: AbortSignal;
}

interface Reached {
  position: number;
  paused: boolean;
  stopped: boolean;
  rebuilding: boolean;
}

const pollMs = 50;

/**
 * Waits until a projection has applied a position, in the epoch that serves, so that a read after it shows the write: an
 * epoch that takes its place has come at least as far. Read with a statement of its own afterwards, not in a transaction
 * with an earlier snapshot. Throws `projection_lagging` when it has not by then, saying whether it is paused, stopped or
 * being rebuilt: never an old answer.
 */
export async function waitForProjection(options: WaitOptions): Promise<void> {
  const { sql, name, position, messaging } = options;
  const deadline = performance.now() + options.timeoutMs;
  const bell = new Bell();
  const signal = options.signal ?? new AbortController().signal;
  const unsubscribe = messaging?.subscribeCore(messaging.topology.subjects.checkpointPoke, (data) => {
    if (typeof data === 'object' && data !== null && 'name' in data && data.name === name) bell.ring();
  });
  try {
    for (;;) {
      const reached = await readReached(sql, name);
      if (reached.position >= position) return;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || signal.aborted) throw lagging(name, reached, position);
      await bell.wait(Math.min(pollMs, leftMs), signal);
    }
  } finally {
    unsubscribe?.();
  }
}

async function readReached(sql: Sql, name: string): Promise<Reached> {
  const [row] = await sql.query<Reached>(
    `select position, paused, stopped_position is not null as stopped,
       exists (select from log.projection_epoch e where e.name = p.name and not e.serving and not e.retired) as rebuilding
     from log.projection p where name = $1 and serving`,
    [name],
  );
  return row ?? { position: 0, paused: false, stopped: false, rebuilding: false };
}

function lagging(name: string, { position: reached, paused, stopped, rebuilding }: Reached, wanted: number): FairleadError {
  const why = [
    ...(paused ? ['it is paused'] : []),
    ...(stopped ? ['it has stopped and needs attention'] : []),
    ...(rebuilding ? ['it is being rebuilt'] : []),
  ];
  const details = { projection: name, reached, wanted, paused, stopped, rebuilding };
  return new FairleadError('projection_lagging', [`${name} has reached ${reached}, not yet ${wanted}`, ...why].join('; '), { details });
}
