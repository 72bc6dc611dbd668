/**
 * Periodic checks: tens of thousands of rows, claimed and armed again in batches by whichever replica comes first. They
 * leave no history but what has changed. A replica that dies in the middle leaves its rows to another, soon.
 */
import { isDeepStrictEqual } from 'node:util';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { newContext, runInContext, type Logger } from '@fairlead/telemetry';
import { armLoops, claimLoops, keepLoops, nextLoopMs, type ArmedLoop, type ClaimedLoop } from '../store/loops.js';
import { Repeater } from './repeater.js';

type State = Record<string, unknown>;

/** One kind of periodic check. */
export interface LoopKind {
  readonly kind: string;
  /** From one check of a row to its next. */
  readonly intervalMs: number;
  /** Rows checked together, at most. */
  readonly batch: number;
  /** A batch that takes longer is given to another replica. */
  readonly timeoutMs: number;
  /** The rows there should be; a single one, of the key '', when left out. Looked at every interval. */
  readonly keys?: () => Promise<readonly string[]>;
  /**
   * Checks rows; answers what each key came to: a state, which is kept, or undefined for no change. A key that is left out
   * has failed, and so have all when it throws.
   */
  check(rows: readonly LoopRow[], signal: AbortSignal): Promise<ReadonlyMap<string, State | undefined>>;
  /** What is told of a state that is not the one before. */
  changed?(key: string, now: State, before: State | null): NewEvent[];
}

export interface LoopRow {
  readonly key: string;
  readonly state: State | null;
}

export interface LoopMetrics {
  checked(kind: string, outcome: 'ok' | 'failed' | 'late', count: number): void;
  /** How late the latest of a batch was, in seconds. */
  lag(kind: string, seconds: number): void;
}

export interface LoopOptions {
  db: Database;
  kinds: readonly LoopKind[];
  logger: Logger;
  metrics: LoopMetrics;
  onAppended: (position: number) => void;
  /** How long at most it takes to notice rows that another replica has made or left. */
  pollMs: number;
}

/** Starts checking; `stop` waits for the batches at hand. */
export function startLoops(options: LoopOptions): { stop(): Promise<void> } {
  const runs = options.kinds.map((kind) => startKind(kind, options));
  return {
    stop: async () => {
      await Promise.all(runs.map((run) => run.stop()));
    },
  };
}

function startKind(kind: LoopKind, { db, logger, metrics, onAppended, pollMs }: LoopOptions): { stop(): Promise<void> } {
  const aborter = new AbortController();
  let keysAt = -Infinity;
  /** Rows that are due within so short a time are checked together: with many of them one is always due next. */
  const gatherMs = kind.intervalMs / 50;

  async function turn(): Promise<number> {
    if (performance.now() - keysAt >= kind.intervalMs) {
      await keepLoops(db, kind.kind, (await kind.keys?.()) ?? [''], kind.intervalMs);
      keysAt = performance.now();
    }
    const claimed = await claimLoops(db, { kind: kind.kind, most: kind.batch, claimMs: kind.timeoutMs * 2 });
    if (claimed.length > 0) await asService(() => checkBatch(claimed));
    if (claimed.length === kind.batch) return 0;
    return Math.min(pollMs, Math.max(gatherMs, (await nextLoopMs(db, kind.kind)) ?? pollMs));
  }

  async function checkBatch(claimed: readonly ClaimedLoop[]): Promise<void> {
    const found = await kind
      .check(claimed, AbortSignal.any([aborter.signal, AbortSignal.timeout(kind.timeoutMs)]))
      .catch((error: unknown) => {
        if (!aborter.signal.aborted)
          logger.warn({ err: error, loop: kind.kind, rows: claimed.length }, 'periodic checks failed; they come again');
        return new Map<string, State | undefined>();
      });
    const armed = claimed.map((row) => armedOf(row, found));
    const position = await db.transaction(async (tx) => {
      const held = await armLoops(tx, kind.kind, armed);
      const before = new Map(claimed.map((row) => [row.key, row.state]));
      const events = armed.flatMap(({ key, changed, state }) =>
        changed && state !== null && held.has(key) ? (kind.changed?.(key, state, before.get(key) ?? null) ?? []) : [],
      );
      if (events.length === 0) return undefined;
      return (await appendInTransaction(tx, { events })).lastPosition;
    });
    if (position !== undefined) onAppended(position);
    const failed = armed.filter((row) => row.failed).length;
    metrics.checked(kind.kind, 'failed', failed);
    metrics.checked(kind.kind, 'ok', armed.length - failed);
    metrics.checked(kind.kind, 'late', claimed.filter((row) => row.lateMs >= kind.intervalMs).length);
    metrics.lag(kind.kind, Math.max(...claimed.map((row) => row.lateMs)) / 1000);
  }

  const repeater = new Repeater(turn, pollMs, (error) => {
    logger.warn({ err: error, loop: kind.kind }, 'periodic checks could not reach their tables; trying again');
  });
  return {
    stop: async () => {
      aborter.abort();
      await repeater.stop();
    },
  };
}

/** Does work of the service's own accord, under ids of its own. */
export function asService<T>(work: () => Promise<T>): Promise<T> {
  return runInContext(newContext({ principal: 'service:job-orchestrator' }), work);
}

function armedOf({ key, fence, state: before }: ClaimedLoop, found: ReadonlyMap<string, State | undefined>): ArmedLoop {
  const now = found.get(key);
  const changed = now !== undefined && !isDeepStrictEqual(now, before);
  return { key, fence, failed: !found.has(key), changed, state: changed ? now : null };
}
