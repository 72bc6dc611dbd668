import { readEvents, type SseEvent } from './sse.js';

export interface ResumeOptions {
  /** Opens the stream behind a cursor, from its beginning when there is none yet. Throws when it is refused. */
  readonly open: (cursor: string | undefined, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;
  /** Where to begin. */
  readonly cursor?: string;
  /** Ends the reading; nothing is told after it. */
  readonly signal: AbortSignal;
  /** Whether what `open` threw is final: anything else may be over soon, and is tried again. */
  readonly isRefusal: (error: unknown) => boolean;
  /** Asked when a stream has ended in order: whether that was all there is. It never is without this. */
  readonly isComplete?: () => Promise<boolean>;
  /** Pauses between attempts to connect again, the last one for all further ones. */
  readonly delaysMs?: readonly number[];
  /** A stream on which nothing has come for so long, heartbeats included, is taken for dead. */
  readonly idleTimeoutMs?: number;
}

const defaultDelaysMs = [100, 500, 2_000, 5_000];

/**
 * Reads a stream of server-sent events over every break: it is opened again behind the last event that was taken, so
 * that each comes once. Ends when all has been read or the signal aborts; throws what `isRefusal` calls final.
 */
export async function* resumeEvents(options: ResumeOptions): AsyncGenerator<SseEvent, void, undefined> {
  const { signal, delaysMs = defaultDelaysMs } = options;
  let { cursor } = options;
  for (let failures = 0; !signal.aborted; failures++) {
    if (failures > 0) await pause(delaysMs[Math.min(failures, delaysMs.length) - 1] ?? 0, signal);
    const idle = idleWatch(options.idleTimeoutMs ?? 60_000);
    try {
      const body = await options.open(cursor, AbortSignal.any([signal, idle.signal]));
      for await (const event of readEvents(body, idle.touch)) {
        if (isAborted(signal)) return;
        // Taken at its word: while the reader is at work nothing is asked for, and the silence is not the server's.
        idle.stop();
        yield event;
        idle.touch();
        failures = 0;
        if (event.id !== '') cursor = event.id;
      }
      if (!isAborted(signal) && (await options.isComplete?.()) === true) return;
    } catch (error) {
      // A stream that breaks throws an error that is nobody's answer.
      if (!isAborted(signal) && options.isRefusal(error)) throw error;
    } finally {
      idle.stop();
    }
  }
}

/** A function, for the compiler takes a flag that was false for one that stays so. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** A signal that aborts when it is not touched for a while. */
function idleWatch(timeoutMs: number): { signal: AbortSignal; touch: () => void; stop: () => void } {
  const aborter = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    clearTimeout(timer);
  };
  const touch = () => {
    stop();
    timer = setTimeout(() => {
      aborter.abort();
    }, timeoutMs);
  };
  touch();
  return { signal: aborter.signal, touch, stop };
}

/** Waits, or until the signal aborts. */
async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done, { once: true });
  });
}
