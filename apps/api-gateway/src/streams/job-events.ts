import { PassThrough, type Readable } from 'node:stream';
import { describeError, FairleadError, isFinalEvent, supersededSchema } from '@fairlead/contracts';
import {
  formatCursor,
  metaOf,
  readLog,
  readPage,
  resolveCursor,
  type LogCursor,
  type LogFollower,
  type StoredEvent,
} from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { endStream, sseWriter } from './sse-writer.js';

const pageSize = 500;
/** Each reader keeps a page while it does not read on. */
const pageBytes = 256 * 1024;
const maxStreams = 1_000;

export interface JobStreamRequest {
  readonly jobId: string;
  /** Events after this; position 0 for all. After a restore to before it, those from where the log went on. */
  readonly after: LogCursor;
  /** The job has ended: what the log holds of it is all there will be. */
  readonly finished: boolean;
  /** When the caller's token ends, and the stream with it. */
  readonly expiresAtMs: number;
}

/** Streams of jobs' events, as server-sent events. */
export interface JobStreams {
  /** Opens a stream; whoever takes it ends it by destroying it. Throws `overloaded` when too many are open. */
  open(request: JobStreamRequest): Readable;
  /** Ends all streams; their clients go on elsewhere, from the last id they saw. */
  close(): void;
}

export interface JobStreamDeps {
  readonly sql: Sql;
  readonly follower: LogFollower;
  readonly logger: Logger;
}

/** Makes the streams of one process; all share one follower of the log. */
export function createJobStreams(deps: JobStreamDeps): JobStreams {
  const open = new Set<AbortController>();
  return {
    open: (request) => {
      if (open.size >= maxStreams) throw new FairleadError('overloaded', 'Too many event streams are open');
      const ending = new AbortController();
      open.add(ending);
      const out = startStream(deps, request, ending);
      out.once('close', () => open.delete(ending));
      return out;
    },
    close: () => {
      for (const ending of open) ending.abort();
    },
  };
}

function startStream(deps: JobStreamDeps, request: JobStreamRequest, ending: AbortController): PassThrough {
  const out = new PassThrough();
  const end = () => {
    ending.abort();
  };
  const expiry = setTimeout(end, Math.max(request.expiresAtMs - Date.now(), 0));
  out.once('close', () => {
    clearTimeout(expiry);
    end();
  });
  // Something at once: proxies and clients learn that the stream is open.
  out.write('retry: 1000\n\n');
  void copyEvents(deps, request, out, ending.signal)
    .catch((error: unknown) => {
      if (!ending.signal.aborted) deps.logger.warn({ reason: describeError(error), job_id: request.jobId }, 'an event stream broke off');
    })
    .finally(() => {
      if (!out.destroyed) endStream(out);
    });
  return out;
}

async function copyEvents(deps: JobStreamDeps, request: JobStreamRequest, out: PassThrough, signal: AbortSignal): Promise<void> {
  const write = sseWriter(out, { signal });
  for await (const { events, cursor } of eventsOfJob(deps, request, signal)) {
    if (events.length === 0) await write(`: position ${cursor.position}\n\n`);
    for (const event of events) {
      await write(frame(event, cursor));
      if (!request.finished && isFinalEvent(event.type) && (await isLast(deps.sql, event))) return;
    }
  }
}

/** Nothing of the job follows: it was not tried again. */
async function isLast(sql: Sql, { aggregateType, aggregateId, position }: StoredEvent): Promise<boolean> {
  return (await readLog(sql, { aggregateType, aggregateId, after: position, limit: 1 })).length === 0;
}

interface Batch {
  /** None: a sign of life. */
  events: readonly StoredEvent[];
  cursor: Required<LogCursor>;
}

/** A job's events after the cursor: of a finished one what the log holds, else that and then what comes. */
async function* eventsOfJob(deps: JobStreamDeps, request: JobStreamRequest, signal: AbortSignal): AsyncGenerator<Batch> {
  let from = request.after;
  while (!signal.aborted) {
    try {
      const read = request.finished ? storedEvents : liveEvents;
      for await (const batch of read(deps, { ...request, after: from }, signal)) {
        yield batch;
        from = batch.cursor;
      }
      return;
    } catch (error) {
      // The log was restored to before it: what happened since then is all new to the reader, in positions that it has seen.
      if (!(error instanceof FairleadError && error.code === 'cursor_superseded')) throw error;
      const { incarnation, valid_until } = supersededSchema.parse(error.details);
      from = { position: valid_until, incarnation };
    }
  }
}

function liveEvents({ follower }: JobStreamDeps, { jobId, after }: JobStreamRequest, signal: AbortSignal): AsyncIterable<Batch> {
  return follower.subscribe({ cursor: after, filter: filterOf(jobId), signal });
}

async function* storedEvents({ sql }: JobStreamDeps, { jobId, after }: JobStreamRequest, signal: AbortSignal): AsyncGenerator<Batch> {
  let from = after;
  while (!signal.aborted) {
    const page = await readPage(sql, { after: from.position, limit: pageSize, bytes: pageBytes, filter: filterOf(jobId) });
    // Afterwards, so that a restore just before the page is noticed.
    await resolveCursor(sql, from);
    if (!page.whole) throw new Error(`the event log does not hold all positions between ${from.position} and ${page.position}`);
    const cursor = { position: page.position, incarnation: page.head.incarnation };
    if (page.events.length > 0) yield { events: page.events, cursor };
    from = cursor;
    if (page.position >= page.head.position) return;
  }
}

const filterOf = (jobId: string) => ({ aggregateTypes: ['job'], aggregateId: jobId });

function frame(event: StoredEvent, { incarnation }: Required<LogCursor>): string {
  const meta = metaOf(event);
  const data = {
    position: event.position,
    type: event.type,
    job_id: event.aggregateId,
    version: event.version,
    recorded_at: event.recordedAt.toISOString(),
    step: meta.step ?? null,
    principal: meta.principal ?? null,
    request_id: meta.request_id ?? null,
    correlation_id: meta.correlation_id ?? null,
    payload: event.payload,
  };
  return `id: ${formatCursor({ position: event.position, incarnation })}\nevent: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
