/**
 * Keeps a view up to date with the log. A page of events and the checkpoint's advance are one transaction, fenced
 * on the checkpoint's old position: several workers of one name are safe, one wins each page. The advance comes
 * first in it, so that the others wait for the winner instead of doing the work in vain.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { describeError } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import { isConnectionError, sqlState, type Database, type Transaction } from '@fairlead/postgres';
import type { Logger, Registry } from '@fairlead/telemetry';
import { logBell } from './bell.js';
import { projectionMetrics } from './metrics.js';
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
  /** Events in one transaction at most. */
  pageSize?: number;
  pollMs?: number;
}

export interface Projection {
  /** Ends after the page at hand. */
  stop(): Promise<void>;
  /** The checkpoint as this worker last saw it. */
  position(): number;
}

/** How long a projection rests at an event it could not apply, before it tries that one again. */
const stoppedRetryMs = 5_000;
const retryMs = { first: 100, most: 5_000 };

/**
 * Starts a worker. It rides out outages. At an event that can't be applied it stops, visibly in log.projection and
 * the gauge; what stands before that event is applied. It goes on when that event can be applied after all.
 */
export function startProjection(options: ProjectionOptions): Projection {
  const { name, db, messaging, pageSize = 500, pollMs = 250 } = options;
  const logger = options.logger.child({ projection: name });
  const aborter = new AbortController();
  const { signal } = aborter;
  const { bell, close } = logBell(messaging);
  const metrics = projectionMetrics(options.registry, name);
  let checkpoint: Checkpoint = { epoch: 0, at: 0 };
  /** One after a failure, so that the event at fault is found; doubles with each page that works. */
  let limit = pageSize;
  let failures = 0;

  async function work(): Promise<void> {
    checkpoint = await openCheckpoint(db, name);
    while (!signal.aborted) {
      const events = await readLog(db, { after: checkpoint.at, limit });
      if (events.length === 0) {
        metrics.at(checkpoint.at, checkpoint.at);
        await bell.wait(pollMs, signal);
        continue;
      }
      requireNext(events);
      if (await applyPage(events)) advanced(events.at(-1)?.position ?? checkpoint.at);
      else checkpoint = await openCheckpoint(db, name);
    }
  }

  function requireNext(events: StoredEvent[]): void {
    try {
      assertGapless(checkpoint.at, events);
    } catch (error) {
      throw new EventAtFault(checkpoint.at + 1, error);
    }
  }

  async function applyPage(events: StoredEvent[]): Promise<boolean> {
    const last = events.at(-1)?.position ?? checkpoint.at;
    try {
      return await db.transaction(async (tx) => {
        const sql = 'select log.advance_parts($1, $2, array[0], $3, $4) as moved';
        const [row] = await tx.query<{ moved: boolean }>(sql, [name, checkpoint.epoch, checkpoint.at, last]);
        if (row?.moved !== true) return false;
        await options.apply(tx, events);
        return true;
      });
    } catch (error) {
      const [first] = events;
      throw isPassing(error) || events.length > 1 || first === undefined ? error : new EventAtFault(first.position, error);
    }
  }

  function advanced(position: number): void {
    checkpoint = { ...checkpoint, at: position };
    limit = Math.min(limit * 2, pageSize);
    failures = 0;
    metrics.at(position);
    metrics.stopped(false);
    messaging?.publishCore(messaging.topology.subjects.checkpointPoke, { name, position });
  }

  async function restAfter(error: unknown): Promise<void> {
    if (error instanceof EventAtFault) {
      await stopAt(error);
      await rest(stoppedRetryMs, signal);
      return;
    }
    const passing = isPassing(error);
    logger.warn(
      { reason: describeError(error), position: checkpoint.at },
      passing ? 'the projection was interrupted; going on' : 'a page could not be applied; going on one by one',
    );
    limit = 1;
    failures += 1;
    if (passing || failures > 1) await rest(Math.min(retryMs.first * 2 ** failures, retryMs.most), signal);
  }

  async function stopAt({ position, message }: EventAtFault): Promise<void> {
    logger.error({ position, reason: message }, 'the projection has stopped at an event that it can not apply');
    metrics.stopped(true);
    try {
      await db.query(`select log.stop_part($1, $2, 0, $3, $4, interval '5 s')`, [name, checkpoint.epoch, position, message]);
      metrics.at(checkpoint.at, await headPosition(db));
    } catch (cause) {
      logger.warn({ reason: describeError(cause) }, 'why the projection stopped could not be written down');
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        await restAfter(error);
      }
    }
  }

  const running = run();
  return {
    stop: async () => {
      aborter.abort();
      await running;
      close();
    },
    position: () => checkpoint.at,
  };
}

interface Checkpoint {
  epoch: number;
  at: number;
}

async function openCheckpoint(db: Database, name: string): Promise<Checkpoint> {
  return db.transaction(async (tx) => {
    await tx.query('select log.lock_projection($1)', [name]);
    const sql = 'select epoch, position as at from log.projection where name = $1 and serving';
    const [row] = await tx.query<Checkpoint>(sql, [name]);
    if (row !== undefined) return row;
    const [added] = await tx.query<{ epoch: number }>('select log.add_epoch($1, 1, 1) as epoch', [name]);
    if (added === undefined) throw new Error(`projection ${name} has no epoch that serves`);
    return { epoch: added.epoch, at: 0 };
  });
}

class EventAtFault extends Error {
  constructor(
    readonly position: number,
    cause: unknown,
  ) {
    super(describeError(cause), { cause });
  }
}

/** Serialization failures, deadlocks, lock timeouts, cancelled statements, a full disk or memory. */
const passingStates = ['40001', '40P01', '55P03', '57014'];

/** Not the event's fault: a lost connection, or something that another try may not meet. */
function isPassing(error: unknown): boolean {
  const state = sqlState(error) ?? '';
  return isConnectionError(error) || passingStates.includes(state) || state.startsWith('53');
}

async function rest(timeMs: number, signal: AbortSignal): Promise<void> {
  await pause(timeMs, undefined, { signal }).catch(() => undefined);
}
