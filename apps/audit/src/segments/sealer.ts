/**
 * Keeps the trail as short as it is to be: what is older than the retention, or than an operator asked for, goes to sealed segments, whole
 * ones only and never beyond the last anchor; then its records leave the trail. Whatever is in the way is told, and nothing leaves meanwhile.
 * Replicas that share the folder may all be at it.
 */
import { mkdir } from 'node:fs/promises';
import { checkSegmentFile, parseAnchorLine, readManifest, SegmentFault } from '@fairlead/audit-chain';
import { describeError } from '@fairlead/contracts';
import { appendInTransaction, pokeLog, readHistory, validUntil } from '@fairlead/event-log';
import { failpoint } from '@fairlead/failpoints';
import { createBell, type Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import { newContext, runInContext, type Logger } from '@fairlead/telemetry';
import {
  clearTrouble,
  dropRecords,
  lastBefore,
  lastSegment,
  noteDropped,
  noteTrouble,
  readSealing,
  segmentsFrom,
  settleAsked,
  timeAgo,
  type SegmentRow,
} from '../store/segments.js';
import { removeOldDrafts } from './segment-files.js';
import { sealSegment, type SealDeps } from './seal-segment.js';

export interface SealerDeps extends SealDeps {
  readonly messaging?: Messaging;
  readonly logger: Logger;
  /** Why no anchors are made: then the log may not be what it was, and nothing is sealed. */
  readonly anchorsStopped: () => string | undefined;
  /** How many events a segment has. */
  readonly segmentEvents: number;
  /** How long records stay in the trail; for ever when left out, but for what an operator asks for. */
  readonly retentionDays?: number;
}

export interface Sealer {
  /** Looks now for what there is to do. */
  look(this: void): void;
  stop(): Promise<void>;
}

/** Records that leave the trail in one statement. */
const batch = 2_000;

/** Starts to seal, and looks so often for what there is to do. It rides out outages. */
export function startSealer(deps: SealerDeps & { readonly everyMs: number }): Sealer {
  const aborter = new AbortController();
  const { signal } = aborter;
  const bell = createBell();
  const run = async () => {
    while (!signal.aborted) {
      await runInContext(newContext({ principal: 'service:audit' }), () => turn(deps, signal));
      if (!isAborted(signal)) await bell.wait(deps.everyMs);
    }
  };
  const running = run();
  return {
    look: () => {
      bell.ring();
    },
    stop: async () => {
      aborter.abort();
      bell.ring();
      await running;
    },
  };
}

const isAborted = (signal: AbortSignal) => signal.aborted;

/** One turn; what is in the way is noted, with an event when it is new. */
export async function turn(deps: SealerDeps, signal: AbortSignal): Promise<void> {
  const { sql, logger } = deps;
  try {
    await sealAndDrop(deps, signal);
    await clearTrouble(sql);
  } catch (error) {
    if (signal.aborted) return;
    const reason = reasonOf(error);
    logger.error({ reason }, 'the trail is not sealed; it is tried again');
    await tellTrouble(deps, reason).catch((cause: unknown) => {
      logger.error({ err: cause }, 'that the trail is not sealed could not be noted');
    });
  }
}

async function sealAndDrop(deps: SealerDeps, signal: AbortSignal): Promise<void> {
  const { sql } = deps;
  const sealing = await readSealing(sql);
  const { askedBefore } = sealing;
  const before = await boundary(deps, askedBefore);
  const until = before === undefined ? 0 : await mayBeSealedUntil(deps, before);
  const work = { sealed: sealing.sealedUntil, anchorsFrom: 0 };
  const isDue = () => until >= work.sealed + deps.segmentEvents;
  if (isDue() || sealing.droppedUntil < sealing.sealedUntil) {
    await requireFolder(deps, await lastSegment(sql));
  }
  while (isDue() && !signal.aborted) {
    const { head } = await readHistory(sql);
    const range = {
      from: work.sealed + 1,
      to: work.sealed + deps.segmentEvents,
      incarnation: head.incarnation,
      anchorsFrom: work.anchorsFrom,
    };
    const seal = () => sealSegment(deps, range);
    const { askedCorrelation } = sealing;
    const sealed =
      askedCorrelation === null
        ? await seal()
        : await runInContext(newContext({ principal: 'service:audit', correlationId: askedCorrelation }), seal);
    if (sealed.position !== undefined && deps.messaging !== undefined) pokeLog(deps.messaging, sealed.position);
    work.anchorsFrom = sealed.anchorsFrom;
    work.sealed = (await readSealing(sql)).sealedUntil;
    await dropSealed(deps, signal);
  }
  await dropSealed(deps, signal);
  if (askedBefore !== null && !signal.aborted) await settleAsked(sql, askedBefore);
}

/** What is older than this is sealed; undefined when all stays. */
async function boundary({ sql, retentionDays }: SealerDeps, asked: Date | null): Promise<Date | undefined> {
  const old = retentionDays === undefined ? undefined : await timeAgo(sql, retentionDays);
  return [old, asked ?? undefined].filter((time) => time !== undefined).sort((a, b) => b.getTime() - a.getTime())[0];
}

/** The last position that may be sealed: recorded before a time, in the trail, and anchored. */
async function mayBeSealedUntil({ sql, source, verify, anchorsStopped }: SealerDeps, before: Date): Promise<number> {
  const old = await lastBefore(sql, before);
  if (old === 0) return 0;
  const stopped = anchorsStopped();
  if (stopped !== undefined) throw new Error(`no anchors are made: ${stopped}`);
  const text = await source.last();
  if (text === undefined) return 0;
  const anchor = await verify(parseAnchorLine(text).anchor);
  return Math.min(old, anchor.position, validUntil(await readHistory(sql), anchor.incarnation));
}

/** Throws unless the folder is the one that the last segment is in: an empty one may be what a mount was to hide. Only the first is made a folder for. */
async function requireFolder({ folder, verifyManifest }: SealerDeps, last: SegmentRow | undefined): Promise<void> {
  if (last === undefined) await mkdir(folder, { mode: 0o700 }).catch(unlessThere);
  else await readManifest(folder, last.manifest, verifyManifest);
  await removeOldDrafts(folder);
}

function unlessThere(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}

/** Takes the records of sealed segments out of the trail, segment by segment, each when its files are still what was sealed. */
async function dropSealed({ sql, folder, verifyManifest }: SealerDeps, signal: AbortSignal): Promise<void> {
  const { sealedUntil, droppedUntil } = await readSealing(sql);
  // What a rebuild that was under way brought back has left before.
  await dropUntil(sql, droppedUntil, signal);
  for (let from = droppedUntil + 1; from <= sealedUntil && !signal.aborted;) {
    const [segment] = await segmentsFrom(sql, from, 1);
    if (segment?.from !== from) throw new SegmentFault('segment_missing', `no segment is known that begins at position ${from}`);
    const manifest = await readManifest(folder, segment.manifest, verifyManifest);
    if (manifest.sha256 !== segment.sha256.toString('hex') || manifest.file !== segment.file)
      throw new SegmentFault('segment_file_wrong', `the manifest ${segment.manifest} is not the one that was sealed`);
    await checkSegmentFile(folder, manifest);
    await failpoint('audit.seal.before_drop');
    if (!(await dropUntil(sql, segment.to, signal))) return;
    await noteDropped(sql, segment.to);
    await failpoint('audit.seal.after_drop');
    from = segment.to + 1;
  }
}

/** True once all records up to a position have left; false when it was told to end before. */
async function dropUntil(sql: Sql, until: number, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if ((await dropRecords(sql, until, batch)) === 0) return true;
    await failpoint('audit.seal.after_batch');
  }
  return false;
}

/** Notes what is in the way, with an event when it is new. */
async function tellTrouble({ sql, messaging }: SealerDeps, reason: string): Promise<void> {
  const { sealedUntil } = await readSealing(sql);
  const position = await sql.transaction(async (tx) => {
    if (!(await noteTrouble(tx, reason))) return undefined;
    const payload = { reason, sealed_until: sealedUntil };
    const event = { aggregateType: 'event_log', aggregateId: 'log', type: 'trail_sealing_failed', payload } as const;
    return (await appendInTransaction(tx, { events: [event] })).lastPosition;
  });
  if (position !== undefined && messaging !== undefined) pokeLog(messaging, position);
}

/** What the file system answers is told by its code: its message may hold more than the log is to keep. */
function reasonOf(error: unknown): string {
  if (error instanceof SegmentFault) return `${error.message} (${error.kind})`;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && typeof syscall === 'string') return `the folder of the segments can not be used: ${syscall} says ${code}`;
  return describeError(error);
}
