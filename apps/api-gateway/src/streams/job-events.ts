import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { describeError, FairleadError, isFinalEvent } from '@fairlead/contracts';
import { readLog, type LogFollower, type StoredEvent } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';

const pageSize = 500;
const maxStreams = 1_000;

export interface JobStreamRequest {
  readonly jobId: string;
  /** Events after this position; 0 for all. */
  readonly after: number;
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
      out.end();
    });
  return out;
}

async function copyEvents(deps: JobStreamDeps, request: JobStreamRequest, out: PassThrough, signal: AbortSignal): Promise<void> {
  for await (const { events, position } of eventsOfJob(deps, request, signal)) {
    if (events.length === 0) out.write(`: position ${position}\n\n`);
    for (const event of events) {
      if (!out.write(frame(event))) await once(out, 'drain', { signal });
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
  position: number;
}

/** A job's events after the cursor: of a finished one what the log holds, else that and then what comes. */
async function* eventsOfJob({ sql, follower }: JobStreamDeps, request: JobStreamRequest, signal: AbortSignal): AsyncGenerator<Batch> {
  if (!request.finished) {
    const filter = { aggregateTypes: ['job'], aggregateId: request.jobId };
    for await (const { events, cursor } of follower.subscribe({ cursor: { position: request.after }, filter, signal })) {
      yield { events, position: cursor.position };
    }
    return;
  }
  let after = request.after;
  while (!signal.aborted) {
    const events = await readLog(sql, { aggregateType: 'job', aggregateId: request.jobId, after, limit: pageSize });
    if (events.length === 0) return;
    after = events.at(-1)?.position ?? after;
    yield { events, position: after };
  }
}

function frame(event: StoredEvent): string {
  const { meta } = event;
  const data = {
    position: event.position,
    type: event.type,
    job_id: event.aggregateId,
    version: event.version,
    recorded_at: event.recordedAt.toISOString(),
    step: meta.step ?? null,
    principal: meta.principal,
    request_id: meta.request_id,
    correlation_id: meta.correlation_id,
    payload: event.payload,
  };
  return `id: ${event.position}\nevent: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
