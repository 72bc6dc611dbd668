/**
 * Keeps a view up to date with the log. A page of events and the checkpoint's advance are one transaction, fenced
 * on the checkpoint's old position: several workers of one name are safe, one wins each page.
 */
import { Gauge } from 'prom-client';
import { describeError } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import { isConnectionError, sqlState, type Database, type Transaction } from '@fairlead/postgres';
import type { Logger, Registry } from '@fairlead/telemetry';
import { logBell } from './bell.js';
import { assertGapless, headPosition, readLog } from './read.js';
import type { StoredEvent } from './types.js';

export interface ProjectionOptions {
  name: string;
  db: Database;
  messaging?: Messaging;
  /** Applies a page of events, in position order and without a gap, in the transaction that moves the checkpoint. */
  apply(tx: Transaction, events: StoredEvent[]): Promise<void>;
  logger: Logger;
  registry?: Registry;
  pageSize?: number;
  pollMs?: number;
}

export interface Projection {
  /** Ends after the page at hand. */
  stop(): Promise<void>;
  /** The checkpoint as this worker last saw it. */
  position(): number;
}

/** How long a projection rests after an event it could not apply, before it tries that one again. */
const poisonedRetryMs = 5_000;

/** Starts a worker. It rides out outages; an event it can't apply stops it there, visibly, and is tried again later. */
export function startProjection(options: ProjectionOptions): Projection {
  const { name, db, messaging, logger, pageSize = 500, pollMs = 250 } = options;
  const aborter = new AbortController();
  const { bell, close } = logBell(messaging);
  let position = 0;
  const measure = metrics(options);

  async function page(): Promise<boolean> {
    const events = await readLog(db, { after: position, limit: pageSize });
    if (events.length === 0) return false;
    assertGapless(position, events);
    const last = events.at(-1)?.position ?? position;
    const won = await db.transaction(async (tx) => {
      const [row] = await tx.query<{ moved: boolean }>('select log.advance_projection($1, $2, $3) as moved', [name, position, last]);
      if (row?.moved !== true) return false;
      await options.apply(tx, events);
      return true;
    });
    if (!won) {
      position = await openCheckpoint(db, name);
      return true;
    }
    position = last;
    messaging?.publishCore(messaging.topology.subjects.checkpointPoke, { name, position });
    return true;
  }

  async function run(): Promise<void> {
    let opened = false;
    while (!aborter.signal.aborted) {
      try {
        if (!opened) {
          position = await openCheckpoint(db, name);
          opened = true;
        }
        while (!aborter.signal.aborted && (await page())) measure(position);
        measure(position, await headPosition(db));
        await bell.wait(pollMs, aborter.signal);
      } catch (error) {
        await restAfter(error);
        opened = false;
      }
    }
  }

  async function restAfter(error: unknown): Promise<void> {
    const passing = isConnectionError(error) || ['40001', '40P01', '55P03'].includes(sqlState(error) ?? '');
    if (passing) {
      logger.warn({ err: error, projection: name }, 'a projection lost its connection; going on');
      await bell.wait(pollMs, aborter.signal);
      return;
    }
    logger.error({ err: error, projection: name, position }, 'a projection can not apply what comes after this position');
    try {
      await db.query('select log.stop_projection($1, $2)', [name, `after position ${String(position)}: ${describeError(error)}`]);
    } catch (cause) {
      logger.warn({ err: cause, projection: name }, 'why the projection stopped could not be written down');
    }
    await pauseFor(poisonedRetryMs, aborter.signal);
  }

  const running = run();
  return {
    stop: async () => {
      aborter.abort();
      await running;
      close();
    },
    position: () => position,
  };
}

async function openCheckpoint(db: Database, name: string): Promise<number> {
  const [row] = await db.query<{ at: number }>('select at from log.open_projection($1)', [name]);
  return row?.at ?? 0;
}

function metrics({ name, registry }: ProjectionOptions): (position: number, head?: number) => void {
  if (registry === undefined) return () => undefined;
  const labelNames = ['projection'];
  const at = new Gauge({ name: 'fairlead_projection_position', help: 'The position a projection has reached.', labelNames, registers: [registry] });
  const lag = new Gauge({ name: 'fairlead_projection_lag', help: 'Events a projection has not applied yet.', labelNames, registers: [registry] });
  return (position, head) => {
    at.set({ projection: name }, position);
    if (head !== undefined) lag.set({ projection: name }, Math.max(0, head - position));
  };
}

async function pauseFor(timeMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeMs);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
