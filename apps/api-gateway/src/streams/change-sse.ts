import { PassThrough, type Readable } from 'node:stream';
import { describeError, FairleadError, type ErrorCode } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import type { ChangeLimits } from './change-limits.js';
import { frameOf } from './change-forms.js';
import type { ChangeBatch, OpenedChanges } from './changes.js';
import { endStream, sseWriter } from './sse-writer.js';

export interface SseDeps {
  readonly limits: ChangeLimits;
  readonly logger: Logger;
  /** How long a reader may take nothing of what waits for it; 30 s when not given. */
  readonly stallMs?: number;
}

/** As much as is written before it is asked whether the reader keeps up. */
const chunkBytes = 64 * 1024;

/**
 * Puts a stream on the wire as server-sent events: `change`, `heartbeat`, and at its end `superseded` or `cut_off`,
 * which say why it ended and where to go on. Whoever takes it ends it by destroying it.
 */
export function changeEvents(deps: SseDeps, opened: OpenedChanges): Readable {
  const out = new PassThrough();
  let cursor = opened.cursor;
  out.once('close', opened.end);
  // Something at once, with a cursor: whoever began at the present knows where that was.
  out.write('retry: 1000\n\n');
  out.write(heartbeat(cursor));

  const write = sseWriter(out, { signal: opened.signal, stallMs: deps.stallMs });

  const copy = async (): Promise<void> => {
    for await (const batch of opened.batches()) {
      const frames = takeFrames(batch, opened.inPart);
      while (frames.length > 0) {
        const chunk = takeChunk(frames);
        ({ cursor } = chunk);
        await write(chunk.data);
      }
    }
  };

  void copy()
    .then(() => undefined, asError)
    .then((error) => {
      if (out.destroyed) return;
      const last = farewell(error, opened, cursor);
      deps.limits.cutOff('sse', last.code);
      if (last.code === 'internal') deps.logger.error({ reason: describeError(error) }, 'a change stream broke off');
      endStream(out, last.frame);
    });
  return out;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

interface Frame {
  readonly data: Buffer;
  readonly cursor: string;
}

/** What a batch puts on the wire. It is empty then: of a reader who is slow the bytes alone are kept, not the events. */
function takeFrames({ changes, cursor, incarnation }: ChangeBatch, inPart: OpenedChanges['inPart']): Frame[] {
  // A batch says how far it was looked: behind its last change when there was nothing else.
  if (changes.length === 0) return [{ data: heartbeat(cursor), cursor }];
  return changes.splice(0).map(({ change, cursor: reached }) => ({ data: change.frame(incarnation, inPart(change)), cursor: reached }));
}

/** The first frames in one piece, and where to go on behind them. */
function takeChunk(frames: Frame[]): Frame {
  let bytes = 0;
  const last = frames.findIndex(({ data }) => (bytes += data.length) >= chunkBytes);
  const taken = frames.splice(0, last === -1 ? frames.length : last + 1);
  return { data: Buffer.concat(taken.map(({ data }) => data)), cursor: taken.at(-1)?.cursor ?? '' };
}

function heartbeat(cursor: string): Buffer {
  return frameOf(cursor, 'heartbeat', { cursor });
}

/** What a reader is told at the end: why, and where to go on. */
function farewell(error: Error | undefined, { reason }: OpenedChanges, cursor: string): { code: ErrorCode; frame: Buffer } {
  const known = reason();
  if (known === undefined && error instanceof FairleadError && error.code === 'cursor_superseded') {
    const { incarnation, valid_until } = error.details as { incarnation: string; valid_until: number };
    // With this id a client that reconnects by itself goes on in the new incarnation: it has been told.
    return { code: error.code, frame: frameOf(`${valid_until}.${incarnation}`, 'superseded', { incarnation, valid_until }) };
  }
  const code = known ?? (error instanceof FairleadError ? error.code : error === undefined ? 'unavailable' : 'internal');
  return { code, frame: frameOf(cursor, 'cut_off', { cursor, code }) };
}
