/**
 * Works on the parts of one epoch. A page is one transaction: it takes parts that nobody works on, reads, applies, and
 * moves their checkpoints, fenced on the positions they stood at. Runners of any number of processes share the parts.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { describeError } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import type { Database, Transaction } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { logBell } from '../bell.js';
import { tablesOf, type ProjectionDefinition } from './define.js';
import { EventAtFault, isPassing } from './faults.js';
import { cutPage, partOf, readParts, type Page } from './page.js';

export interface RunnerOptions {
  definition: ProjectionDefinition;
  epoch: number;
  /** Of the epoch; the definition's may have changed since. */
  parts: number;
  db: Database;
  messaging?: Messaging;
  logger: Logger;
  /** Positions in one transaction at most. */
  pageSize: number;
  pollMs: number;
  /** Parts worked on at once in this process. */
  concurrency: number;
  /** Called after each page, with the position it reached and how many are left. */
  onPage(position: number, left: number): void;
}

export interface Runner {
  /** Ends after the pages at hand. */
  stop(): Promise<void>;
}

/** What a page's transaction has taken. */
export interface ClaimedParts {
  mine: number[];
  /** Where they all stand. */
  at: number;
  /** Events that are left out, as operators decided. */
  skips: number[];
  /** The log's end. */
  head: number;
}

/** How long a part rests at an event that can't be applied, before any worker tries that one again. */
const stoppedRest = '5 s';
const retryMs = { first: 100, most: 5_000 };

/** Starts to work on an epoch. It rides out outages; at an event that can't be applied it stops that part and tries it again every 5 s. */
export function startRunner(options: RunnerOptions): Runner {
  const { definition, epoch, parts, db, messaging, logger, pageSize, pollMs } = options;
  const aborter = new AbortController();
  const { signal } = aborter;
  const { bell, close } = logBell(messaging);
  const helpers = new Set<Promise<void>>();
  /** One after a failure, so that the event at fault is found; doubles with each page that works. */
  let limit = pageSize;
  let failures = 0;
  let ahead: { after: number; page: Promise<Page | undefined> } | undefined;

  /** Applies a page; undefined when there is nothing to do, else how many positions are left. */
  async function runPage(): Promise<number | undefined> {
    let page: Page | undefined;
    try {
      const done = await db.transaction(async (tx) => {
        const claimed = await claimParts(tx, { name: definition.name, epoch, near: pageSize });
        if (claimed === undefined) return undefined;
        page = cutPage(await pageOf(tx, claimed), limit);
        readAhead(page.until, claimed.head);
        await applyPage(tx, { definition, epoch }, claimed, page);
        return { until: page.until, head: claimed.head };
      });
      if (done === undefined) return undefined;
      limit = Math.min(limit * 2, pageSize);
      failures = 0;
      const left = done.head - done.until;
      options.onPage(done.until, left);
      return left;
    } catch (error) {
      const [first, second] = page?.events ?? [];
      if (first === undefined || second !== undefined || isPassing(error)) throw error;
      throw new EventAtFault(first.position, partOf(first, parts), error);
    }
  }

  async function pageOf(tx: Transaction, { mine, at, head }: ClaimedParts): Promise<Page> {
    const known = ahead;
    ahead = undefined;
    const page = known?.after === at ? await known.page : undefined;
    if (page !== undefined) return page;
    return readParts(tx, { ...partsOptions(definition, { mine, of: parts }, pageSize), after: at, until: head }).catch((error: unknown) => {
      throw isPassing(error) ? error : new EventAtFault(at + 1, mine[0] ?? 0, error);
    });
  }

  /** With one part it is known what comes next: it is read while this page is applied. What is written stays, so it can't be out of date. */
  function readAhead(after: number, head: number): void {
    if (parts > 1 || after >= head || limit < pageSize) return;
    const options = { ...partsOptions(definition, { mine: [0], of: 1 }, pageSize), after, until: head };
    // What fails here is read, and judged, in the page's own transaction.
    ahead = { after, page: readParts(db, options).catch(() => undefined) };
  }

  /** Goes on until there is nothing left to do. */
  async function help(): Promise<void> {
    try {
      while (!signal.aborted && ((await runPage()) ?? 0) > 0);
    } catch (error) {
      await restAfter(error);
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        const left = (await runPage()) ?? 0;
        if (left === 0) await bell.wait(pollMs, signal);
        else if (left > pageSize && helpers.size < Math.min(parts, options.concurrency) - 1) {
          const helper = help().finally(() => helpers.delete(helper));
          helpers.add(helper);
        }
      } catch (error) {
        await restAfter(error);
      }
    }
  }

  async function restAfter(error: unknown): Promise<void> {
    if (error instanceof EventAtFault) return stopAt(error);
    const passing = isPassing(error);
    const reason = describeError(error);
    logger.warn(
      { reason, epoch },
      passing ? 'the projection was interrupted; going on' : 'a page could not be applied; going on one by one',
    );
    limit = 1;
    failures += 1;
    if (passing || failures > 1)
      await pause(Math.min(retryMs.first * 2 ** failures, retryMs.most), undefined, { signal }).catch(() => undefined);
  }

  async function stopAt({ position, part, message }: EventAtFault): Promise<void> {
    logger.error({ position, epoch, part, reason: message }, 'the projection has stopped at an event that it can not apply');
    try {
      const params = [definition.name, epoch, part, position, message, stoppedRest];
      await db.query('select log.stop_part($1, $2, $3, $4, $5, $6::interval)', params);
    } catch (cause) {
      logger.warn({ reason: describeError(cause) }, 'why the projection stopped could not be written down');
      await pause(retryMs.most, undefined, { signal }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    stop: async () => {
      aborter.abort();
      await running;
      await Promise.all(helpers);
      close();
    },
  };
}

/** Takes parts for the rest of the transaction; undefined when nothing is to be done, or others do it. */
async function claimParts(
  tx: Transaction,
  { name, epoch, near }: { name: string; epoch: number; near: number },
): Promise<ClaimedParts | undefined> {
  const rows = await tx.query<{ part: number; at: number; skip: number | null; head: number }>(
    'select part, at, skip, head from log.claim_parts($1, $2, $3)',
    [name, epoch, near],
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  const skips = rows.flatMap((row) => (row.skip === null ? [] : [row.skip]));
  return { mine: rows.map((row) => row.part), at: first.at, skips, head: first.head };
}

/** What to read for some parts; for few of many it looks further, so that a page is worth its transaction. */
export function partsOptions(definition: ProjectionDefinition, parts: { mine: readonly number[]; of: number }, pageSize: number) {
  const { aggregateTypes } = definition;
  return { parts, aggregateTypes, limit: Math.ceil((pageSize * parts.of) / Math.max(1, parts.mine.length)) };
}

/** Applies a page for claimed parts and moves their checkpoints, in the transaction that holds them. */
export async function applyPage(
  tx: Transaction,
  { definition, epoch }: { definition: ProjectionDefinition; epoch: number },
  { mine, at, skips }: Pick<ClaimedParts, 'mine' | 'at' | 'skips'>,
  page: Page,
): Promise<void> {
  const events = page.events.filter((event) => !skips.includes(event.position));
  if (events.length > 0) await definition.apply(tx, events, tablesOf(definition, epoch));
  const sql = 'select log.advance_parts($1, $2, $3::int[], $4, $5) as moved';
  const [row] = await tx.query<{ moved: boolean }>(sql, [definition.name, epoch, mine, at, page.until]);
  if (row?.moved !== true) throw new Error('a part that was taken has moved');
}
