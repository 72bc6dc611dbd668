import { readEvents } from '@fairlead/contracts/browser';
import type { Client } from './client.js';
import { asProblem, type ApiProblem } from './problem.js';
import type { JobEvent } from './types.js';

export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'ended';

export interface JobStreamOptions {
  readonly client: Pick<Client, 'stream'>;
  readonly jobId: string;
  readonly signal: AbortSignal;
  /** Called with each event, in order, once. */
  readonly onEvent: (event: JobEvent) => void;
  readonly onState: (state: StreamState) => void;
  /** Waits before a new attempt; resolves early when the signal aborts. */
  readonly pause?: (delayMs: number, signal: AbortSignal) => Promise<void>;
  /** A stream on which nothing has come for so long, heartbeats included, is taken for dead. */
  readonly idleTimeoutMs?: number;
}

/** After one of these a job does not move again by itself. */
const finalEvents: readonly string[] = ['job_succeeded', 'job_failed', 'job_cancelled', 'job_needs_attention'];
const delaysMs = [250, 1_000, 2_000, 5_000];

/**
 * Follows a job's events from the first to the last. A stream that breaks or ends early is opened again behind the
 * last event seen. Resolves after the last event or when the signal aborts; throws ApiProblem when the gateway refuses.
 */
export async function followJob(options: JobStreamOptions): Promise<void> {
  const { signal, onState, pause = pauseFor } = options;
  const seen = { cursor: 0, failures: 0 };
  onState('connecting');
  while (!isAborted(signal)) {
    try {
      if (await readStream(options, seen)) {
        onState('ended');
        return;
      }
    } catch (error) {
      // A stream that breaks throws what is no answer of the gateway's.
      if (!isAborted(signal) && isRefusal(asProblem(error))) throw error;
    }
    if (isAborted(signal)) return;
    onState('reconnecting');
    seen.failures += 1;
    await pause(delaysMs[Math.min(seen.failures, delaysMs.length) - 1] ?? 0, signal);
  }
}

/** A function, for the compiler takes a flag that was false for one that stays so. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function isRefusal(problem: ApiProblem): boolean {
  return problem.status >= 400 && !problem.passing && problem.status !== 429;
}

/** Reads one stream to its end; true when it brought the job's last event. */
async function readStream(options: JobStreamOptions, seen: { cursor: number; failures: number }): Promise<boolean> {
  const { client, jobId, signal, onEvent, onState, idleTimeoutMs = 60_000 } = options;
  const idle = new AbortController();
  let timer = setTimeout(() => undefined, 0);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      idle.abort();
    }, idleTimeoutMs);
  };
  alive();
  let ended = false;
  try {
    const body = await client.stream(`/admin/v1/jobs/${encodeURIComponent(jobId)}/events`, {
      query: { cursor: seen.cursor },
      signal: AbortSignal.any([signal, idle.signal]),
    });
    onState('live');
    for await (const { data } of readEvents(chunksOf(body), alive)) {
      const event = JSON.parse(data) as JobEvent;
      if (event.position <= seen.cursor) continue;
      seen.cursor = event.position;
      seen.failures = 0;
      onEvent(event);
      // The gateway ends the stream behind it, unless the job was tried again.
      ended = finalEvents.includes(event.type);
    }
    return ended;
  } catch (error) {
    // After the last event it does not matter how the stream ends.
    if (ended) return true;
    throw error;
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
