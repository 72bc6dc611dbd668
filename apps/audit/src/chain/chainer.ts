/**
 * Takes the events of the log into the hash chain, in order, page by page: a page's links and how far the chain has come
 * are one transaction. It reads Postgres alone. Of several replicas one adds at a time, and none is in charge: whoever
 * finds the end of the chain free goes on from there.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { canonicalRow, linksOf } from '@fairlead/audit-chain';
import { describeError } from '@fairlead/contracts';
import { failpoint } from '@fairlead/failpoints';
import { createBell, type Messaging } from '@fairlead/messaging';
import type { Database } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { addLinks, chainLag, readRows, takeChainHead, tellWhereChainStands } from '../store/chain.js';

export interface ChainerOptions {
  readonly sql: Database;
  readonly messaging?: Messaging;
  readonly logger: Logger;
  /** Events in one transaction at most. */
  readonly pageSize?: number;
  readonly pollMs?: number;
  /** How long events are gathered before a look: a transaction for each would cost the log's database more than it is worth. */
  readonly gatherMs?: number;
}

export interface Chainer {
  /** Takes what is there in, for some seconds at most, and ends. */
  stop(): Promise<void>;
}

const retryMs = 1_000;
/** How long the end waits for what is not in the chain yet. */
const lastWordMs = 5_000;

/** Starts to chain. It rides out outages; at an event that is missing it stops until that is there. */
export function startChainer({ sql, messaging, logger, pageSize = 2_000, pollMs = 250, gatherMs = 200 }: ChainerOptions): Chainer {
  const aborter = new AbortController();
  const { signal } = aborter;
  const bell = createBell();
  const deafen = messaging?.subscribeCore(messaging.topology.subjects.logPoke, () => {
    bell.ring();
  });
  let trouble: string | undefined;
  let isTold = false;

  /** One look; true when not all that was there is taken in. */
  async function look(): Promise<boolean> {
    try {
      if (!isTold) await tellWhereChainStands(sql);
      isTold = true;
      const lag = await chainLag(sql);
      const taken = lag > 0 ? await chainPage(sql, pageSize) : 0;
      const more = taken > 0 && taken < lag;
      if (trouble !== undefined) logger.info('the audit chain goes on');
      trouble = undefined;
      return more;
    } catch (error) {
      const reason = describeError(error);
      if (reason !== trouble) logger.error({ reason }, 'events could not be taken into the audit chain; it is tried again');
      trouble = reason;
      await pause(retryMs, undefined, { signal }).catch(() => undefined);
      return false;
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      if (await look()) continue;
      if (!isAborted(signal)) await bell.wait(pollMs);
      await pause(gatherMs, undefined, { signal }).catch(() => undefined);
    }
    const until = performance.now() + lastWordMs;
    while (performance.now() < until && trouble === undefined && (await look()));
  }

  const running = run();
  return {
    stop: async () => {
      aborter.abort();
      bell.ring();
      await running;
      deafen?.();
    },
  };
}

const isAborted = (signal: AbortSignal) => signal.aborted;

/** Takes the next events in; answers how many. None when there are none, or another replica is at it. */
export async function chainPage(sql: Database, pageSize: number): Promise<number> {
  return sql.transaction(async (tx) => {
    const end = await takeChainHead(tx);
    if (end === undefined) return 0;
    const rows = await readRows(tx, { after: end.position, until: end.position + pageSize, limit: pageSize });
    rows.forEach(({ position }, index) => {
      const expected = end.position + 1 + index;
      if (position !== expected) throw new Error(`position ${expected} is missing in the log: \`fairlead log verify\` tells more`);
    });
    await addLinks(tx, linksOf(end.hash, rows.map(canonicalRow)));
    await failpoint('audit.chain.before_commit');
    return rows.length;
  });
}
