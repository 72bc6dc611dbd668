import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { describeError, FairleadError, type ErrorCode } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import type { ChangeLimits } from './change-limits.js';
import { frameOf } from './change-forms.js';
import type { OpenedChanges } from './changes.js';

export interface SseDeps {
  readonly limits: ChangeLimits;
  readonly logger: Logger;
  /** How long a reader may take nothing of what waits for it. */
  readonly stallMs?: number;
}

const defaultStallMs = 30_000;
/** How long what is left of an ended stream is kept for its reader. */
const lingerMs = 30_000;
/** As much as is written before it is asked whether the reader keeps up. */
const chunkBytes = 64 * 1024;

/**
 * Puts a stream on the wire as server-sent events: `change`, `heartbeat`, and at its end `superseded` or `cut_off`,
 * which say why it ended and where to go on. Whoever takes it ends it by destroying it.
 */
export function changeEvents(deps: SseDeps, opened: OpenedChanges): Readable {
  const out = new PassThrough();
  const stallMs = deps.stallMs ?? defaultStallMs;
  let cursor = opened.cursor;
  out.once('close', opened.end);
  // Something at once, with a cursor: whoever began at the present knows where that was.
  out.write('retry: 1000\n\n');
  out.write(heartbeat(cursor));

  /** Writes, and waits until the reader keeps up. */
  const write = async (data: Buffer, reached: string): Promise<void> => {
    cursor = reached;
    if (out.write(data)) return;
    const slow = AbortSignal.timeout(stallMs);
    try {
      await once(out, 'drain', { signal: AbortSignal.any([opened.signal, slow]) });
    } catch (error) {
      if (slow.aborted && !opened.signal.aborted) throw new FairleadError('overloaded', 'the reader takes nothing', { cause: error });
      throw error;
    }
  };

  const copy = async (): Promise<void> => {
    for await (const batch of opened.batches()) {
      let waiting: Buffer[] = [];
      let bytes = 0;
      for (const { change, cursor: reached } of batch.changes) {
        const frame = change.frame(batch.incarnation, opened.inScope);
        waiting.push(frame);
        bytes += frame.length;
        if (bytes < chunkBytes) continue;
        await write(Buffer.concat(waiting), reached);
        [waiting, bytes] = [[], 0];
      }
      // A batch says how far it was looked: behind its last change when there was nothing else.
      if (batch.changes.length === 0) await write(heartbeat(batch.cursor), batch.cursor);
      else if (waiting.length > 0) await write(Buffer.concat(waiting), batch.changes.at(-1)?.cursor ?? cursor);
    }
  };

  void copy()
    .then(() => undefined, asError)
    .then((error) => {
      if (out.destroyed) return;
      const last = farewell(error, opened, cursor);
      deps.limits.cutOff('sse', last.code);
      if (last.code === 'internal') deps.logger.error({ reason: describeError(error) }, 'a change stream broke off');
      out.end(last.frame);
      // A reader who takes nothing must not keep what waits for it for ever.
      const rest = setTimeout(() => out.destroy(), lingerMs);
      out.once('close', () => {
        clearTimeout(rest);
      });
    });
  return out;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
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
