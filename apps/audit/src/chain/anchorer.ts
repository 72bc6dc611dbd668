/**
 * Makes anchors: every minute in which the log has grown, and at the end, it reads the events since the last anchor once
 * more, holds them against the chain, signs where the chain stands and adds that to the anchor file. Replicas take turns,
 * each with the file that it has; they may share one.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  AnchorFault,
  anchorLine,
  genesis,
  parseAnchorLine,
  type Anchor,
  type AnchorVerifier,
  type NewAnchor,
  type WholeAnchor,
} from '@fairlead/audit-chain';
import { describeError } from '@fairlead/contracts';
import { readHistory, validUntil } from '@fairlead/event-log';
import { failpoint } from '@fairlead/failpoints';
import type { Database, Transaction } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { nextAnchor } from '../domain/anchoring.js';
import { keepAnchor, takeAnchoring } from '../store/anchors.js';
import { readLinks, readLogEnds } from '../store/chain.js';
import type { AnchorFile } from './anchor-file.js';
import { tableAnchors } from './anchor-source.js';
import { checkRange } from './check-range.js';

export interface AnchorerDeps {
  readonly sql: Database;
  readonly logger: Logger;
  readonly sign: (anchor: NewAnchor) => Promise<WholeAnchor>;
  readonly verify: AnchorVerifier;
  /** Without one anchors are in the table alone. */
  readonly file?: AnchorFile;
  /** Anchors are posted somewhere, too. */
  readonly toPost: boolean;
}

export interface Anchorer {
  /** Why no anchors are made; undefined when they are. */
  stopped(): string | undefined;
  /** Anchors what is in the chain, for some seconds at most, and ends. */
  stop(): Promise<void>;
}

const lastWordMs = 8_000;
/** How often it looks for what to anchor as long as there is no anchor at all. */
const firstLookMs = 1_000;

/** Starts to make anchors. It rides out outages. */
export function startAnchorer(deps: AnchorerDeps & { readonly everyMs: number }): Anchorer {
  const aborter = new AbortController();
  const { signal } = aborter;
  let trouble: string | undefined;

  /** Anchors what is chained, unless it is `over` before; what comes meanwhile waits for the next time. */
  async function makeAll(over: () => boolean): Promise<void> {
    try {
      while (!over() && ((await anchorNext(deps))?.left ?? 0) > 0);
      if (trouble !== undefined) deps.logger.info('anchors of the audit chain are made again');
      trouble = undefined;
    } catch (error) {
      const reason = describeError(error);
      if (reason !== trouble) deps.logger.error({ reason }, 'the audit chain is not anchored; it is tried again');
      trouble = reason;
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await makeAll(() => signal.aborted);
      const waitMs = (await hasAnchors(deps)) ? deps.everyMs : Math.min(deps.everyMs, firstLookMs);
      await pause(waitMs, undefined, { signal }).catch(() => undefined);
    }
    const until = performance.now() + lastWordMs;
    await makeAll(() => performance.now() > until);
  }

  const running = run();
  return {
    stopped: () => trouble,
    stop: async () => {
      aborter.abort();
      await running;
    },
  };
}

/** Whether there is an anchor; one that can't be looked for counts as there. */
async function hasAnchors({ file, sql }: AnchorerDeps): Promise<boolean> {
  return (file ?? tableAnchors(sql)).last().then(
    (line) => line !== undefined,
    () => true,
  );
}

/**
 * Makes one anchor, and answers how many events of the chain are left behind it; undefined when nothing has come since the
 * last one. Throws when the log is not what was chained or anchored.
 */
export async function anchorNext(deps: AnchorerDeps): Promise<{ readonly left: number } | undefined> {
  const { sql, file, logger, toPost } = deps;
  return sql.transaction(async (tx) => {
    await takeAnchoring(tx);
    const torn = (await file?.repair()) ?? 0;
    if (torn > 0) logger.warn({ bytes: torn }, 'a line that a crash had left unfinished was cut off the anchor file');
    const last = await lastOf(tx, deps);
    // The one before may have been written to the file right before a crash.
    if (last !== undefined && file !== undefined) await keepAnchor(tx, last, { toPost });
    const state = await readLogEnds(tx);
    const history = await readHistory(tx);
    const { incarnation } = history.head;
    const sharedUntil = last === undefined ? 0 : validUntil(history, last.incarnation);
    const next = nextAnchor({ last, incarnation, sharedUntil, chained: state.chained });
    if (next.is === 'stopped') throw new Error(next.reason);
    if (next.is === 'level') {
      // After a restore the last anchor's position may not be in the chain yet.
      if (last?.incarnation === incarnation) await priorOf(tx, last, last.position);
      return undefined;
    }
    const { from, to, lineage } = next;
    const prior = await priorOf(tx, last, from - 1);
    const checked = await checkRange(tx, { from, to, prior, last: state.last, linkedUntil: to });
    if ('broken' in checked)
      throw new Error(
        `position ${checked.broken.position} of the log was changed after it was chained: ${checked.broken.message} (${checked.broken.kind})`,
      );
    const leaves = Buffer.concat([...(await readLinks(tx, from, to)).values()].map(({ leaf }) => leaf));
    const anchor = await deps.sign({ incarnation, from, position: to, hash: checked.hash, leaves, time: new Date(), lineage });
    await file?.append(anchorLine(anchor));
    await failpoint('audit.anchor.after_append');
    await keepAnchor(tx, anchor, { toPost });
    return { left: state.chained - to };
  });
}

/** The last anchor, from the file where there is one. Throws when nobody of us has signed it. */
async function lastOf(tx: Transaction, { file, verify }: AnchorerDeps): Promise<Anchor | undefined> {
  const text = await (file ?? tableAnchors(tx)).last();
  if (text === undefined) return undefined;
  try {
    return await verify(parseAnchorLine(text).anchor);
  } catch (error) {
    throw error instanceof AnchorFault ? new Error(`the last anchor is not one of ours: ${error.message}`, { cause: error }) : error;
  }
}

/** The hash of the chain at a position. Throws when the chain has another one where the last anchor stands. */
async function priorOf(tx: Transaction, last: Anchor | undefined, position: number): Promise<Buffer> {
  if (position === 0) return genesis;
  const link = (await readLinks(tx, position, position)).get(position);
  if (link === undefined) throw new Error(`the chain has lost its link at ${position}`);
  if (last?.position === position && !link.hash.equals(last.hash))
    throw new Error(`the chain has another hash at ${position} than the last anchor: \`fairlead audit verify\` tells where it begins`);
  return link.hash;
}
