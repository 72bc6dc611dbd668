import { isFinalEvent, readEvents } from '@fairlead/contracts/browser';
import type { Client } from './client.js';
import { asProblem, type ApiProblem } from './problem.js';
import type { JobEvent } from './types.js';

/** Resting: the job needs attention, and has more to tell only when it is tried again. */
export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'resting' | 'ended';

export interface JobStreamOptions {
  readonly client: Pick<Client, 'stream'>;
  readonly jobId: string;
  readonly signal: AbortSignal;
  /** The last event known of the job, to go on behind it; all are told when left out. */
  readonly after?: JobEvent;
  /** Called with each event, in order, once. */
  readonly onEvent: (event: JobEvent) => void;
  /** Called at each change. */
  readonly onState: (state: StreamState) => void;
  /** Waits before a new attempt; resolves early when the signal aborts. */
  readonly pause?: (delayMs: number, signal: AbortSignal) => Promise<void>;
  /** A stream on which nothing has come for so long, heartbeats included, is taken for dead. */
  readonly idleTimeoutMs?: number;
}

/** How far a job has been followed. */
interface Progress {
  position: number;
  /** Where to go on: the last event's id, or its position when nothing more is known. */
  cursor: string;
  /** The last event's type. */
  type: string;
  /** Streams since then that did not bring the job's end. */
  failures: number;
}

const delaysMs = [250, 1_000, 2_000, 5_000];
const restMs = 5_000;

/**
 * Follows a job's events from the first to the last. A stream that breaks or ends early is opened again behind the
 * last event seen; so is, now and then, that of a job that needs attention. Resolves after the last event or when the
 * signal aborts, after which nothing is told; throws ApiProblem when the gateway refuses.
 */
export async function followJob(options: JobStreamOptions): Promise<void> {
  const { signal, after, pause = pauseFor } = options;
  const seen: Progress = { position: after?.position ?? 0, cursor: String(after?.position ?? 0), type: after?.type ?? '', failures: 0 };
  const tell = teller(options);
  if (!isFinalEvent(seen.type)) tell('connecting');
  while (!isAborted(signal) && !isOver(seen)) {
    try {
      await readStream(options, seen, tell);
    } catch (error) {
      // A stream that breaks throws what is no answer of the gateway's.
      if (!isAborted(signal) && isRefusal(asProblem(error))) throw error;
    }
    if (isAborted(signal) || isOver(seen)) break;
    seen.failures += 1;
    tell(isResting(seen) ? 'resting' : 'reconnecting');
    await pause(isResting(seen) ? restMs : (delaysMs[Math.min(seen.failures, delaysMs.length) - 1] ?? 0), signal);
  }
  if (isOver(seen)) tell('ended');
}

/** Tells changes of state, until the signal aborts. */
function teller({ signal, onState }: JobStreamOptions): (state: StreamState) => void {
  let told: StreamState | undefined;
  return (state) => {
    if (state === told || signal.aborted) return;
    told = state;
    onState(state);
  };
}

function isResting({ type }: Progress): boolean {
  return type === 'job_needs_attention';
}

function isOver(seen: Progress): boolean {
  return isFinalEvent(seen.type) && !isResting(seen);
}

/** True when the log was restored in between: positions that were seen mean other events then. */
function isOfAnotherLog(id: string, cursor: string): boolean {
  const [was, is] = [cursor, id].map((text) => text.split('.')[1]);
  return was !== undefined && was !== is;
}

/** A function, for the compiler takes a flag that was false for one that stays so. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function isRefusal(problem: ApiProblem): boolean {
  return problem.status >= 400 && !problem.passing && problem.status !== 429;
}

/** Reads one stream to its end. */
async function readStream(options: JobStreamOptions, seen: Progress, tell: (state: StreamState) => void): Promise<void> {
  const { client, jobId, signal, onEvent, idleTimeoutMs = 60_000 } = options;
  const idle = new AbortController();
  let timer = setTimeout(() => undefined, 0);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      idle.abort();
    }, idleTimeoutMs);
  };
  alive();
  try {
    const asked = { path: { id: jobId }, query: { cursor: seen.cursor } };
    const body = await client.stream('jobEvents.events', asked, { signal: AbortSignal.any([signal, idle.signal]) });
    if (!isResting(seen)) tell('live');
    for await (const { id, data } of readEvents(chunksOf(body), alive)) {
      // What has come already is of no use to a page that was left.
      if (signal.aborted) return;
      const event = JSON.parse(data) as JobEvent;
      if (event.position <= seen.position && !isOfAnotherLog(id, seen.cursor)) continue;
      Object.assign(seen, { position: event.position, cursor: id === '' ? String(event.position) : id, type: event.type, failures: 0 });
      tell('live');
      onEvent(event);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** By its reader: not every browser iterates streams. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function pauseFor(delayMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, delayMs);
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
