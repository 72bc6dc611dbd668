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
  /** The log's end. */
  head: number;
  paused: boolean;
  stopped: boolean;
  rebuilding: boolean;
}

const pollMs = 50;
/** Who waits for one projection in one process. */
const maxWaiters = 1_000;

const watches = new WeakMap<Sql, Map<string, Watch>>();

/**
 * Waits until a projection has applied a position, in the epoch that serves, so that a read after it shows the write: an
 * epoch that takes its place has come at least as far. Read with a statement of its own afterwards, not in a transaction
 * with an earlier snapshot. Throws `projection_lagging` when it has not by then, saying whether it is paused, stopped or
 * being rebuilt: never an old answer; `log_behind` at once when the log itself does not hold the position, as one that was
 * committed before the call always is; `overloaded` when too many wait.
 */
export async function waitForProjection(options: WaitOptions): Promise<void> {
  const { sql, name } = options;
  const named = watches.get(sql) ?? new Map<string, Watch>();
  watches.set(sql, named);
  const watch = named.get(name) ?? new Watch(sql, name);
  named.set(name, watch);
  await watch.wait(options);
}

/** One look at a projection for all who wait for it through the same connection pool; looks only while somebody waits. */
class Watch {
  private readonly bell = new Bell();
  private readonly waiters = new Set<{ hear: (reached: Reached, asked: boolean) => void; fail: (error: unknown) => void }>();
  private unsubscribe: (() => void) | undefined;
  private running = false;

  constructor(
    private readonly sql: Sql,
    private readonly name: string,
  ) {}

  async wait({ position, timeoutMs, messaging, signal }: WaitOptions): Promise<void> {
    if (this.waiters.size >= maxWaiters)
      throw new FairleadError('overloaded', `too many wait for ${this.name}`, { details: { retry_after_seconds: 1 } });
    const deadline = performance.now() + timeoutMs;
    this.unsubscribe ??= messaging?.subscribeCore(messaging.topology.subjects.checkpointPoke, (data) => {
      if (typeof data === 'object' && data !== null && 'name' in data && data.name === this.name) this.bell.ring();
    });
    const ring = () => {
      this.bell.ring();
    };
    signal?.addEventListener('abort', ring);
    await new Promise<void>((resolve, reject) => {
      const waiter = {
        hear: (reached: Reached, asked: boolean) => {
          const beyond = asked && position > reached.head;
          if (reached.position < position && !beyond && performance.now() < deadline && signal?.aborted !== true) return;
          this.waiters.delete(waiter);
          if (reached.position >= position) resolve();
          else reject(beyond ? behind(reached.head, position) : lagging(this.name, reached, position));
        },
        fail: (error: unknown) => {
          this.waiters.delete(waiter);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      };
      this.waiters.add(waiter);
      if (!this.running) void this.run();
    }).finally(() => signal?.removeEventListener('abort', ring));
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.waiters.size > 0) {
      // The look may be older than what those who come meanwhile wait for: the log's end is not said to them.
      const asked = new Set(this.waiters);
      try {
        const reached = await readReached(this.sql, this.name);
        for (const waiter of this.waiters) waiter.hear(reached, asked.has(waiter));
      } catch (error) {
        for (const waiter of this.waiters) waiter.fail(error);
      }
      if (this.waiters.size > 0) await this.bell.wait(pollMs, neverAborted);
    }
    this.running = false;
    this.unsubscribe?.();
    this.unsubscribe = undefined;
  }
}

const neverAborted = new AbortController().signal;

async function readReached(sql: Sql, name: string): Promise<Reached> {
  const [row] = await sql.query<Reached>(
    `select h.position as head, coalesce(p.position, 0) as position, coalesce(p.paused, false) as paused, p.stopped_position is not null as stopped,
       exists (select from log.projection_epoch e where e.name = p.name and not e.serving and not e.retired) as rebuilding
     from log.head h left join log.projection p on p.name = $1 and p.serving`,
    [name],
  );
  if (row === undefined) throw new Error('the event log has no head');
  return row;
}

function behind(head: number, wanted: number): FairleadError {
  return new FairleadError('log_behind', `the event log is at ${head}: it holds no position ${wanted}`, { details: { position: head } });
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
