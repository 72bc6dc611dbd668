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

const pollMs = 50;

/**
 * Waits until a projection has applied a position, so that a read after it shows the write. Throws
 * `projection_lagging` when it has not by then: never an old answer.
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
      const [row] = await sql.query<{ position: number; stopped_reason: string | null }>(
        'select position, stopped_reason from log.projection where name = $1 and serving',
        [name],
      );
      const reached = row?.position ?? 0;
      if (reached >= position) return;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || signal.aborted) {
        const stopped = row?.stopped_reason == null ? '' : '; it has stopped and needs attention';
        throw new FairleadError('projection_lagging', `${name} has reached ${String(reached)}, not yet ${String(position)}${stopped}`, {
          details: { projection: name, reached, wanted: position },
        });
      }
      await bell.wait(Math.min(pollMs, leftMs), signal);
    }
  } finally {
    unsubscribe?.();
  }
}
