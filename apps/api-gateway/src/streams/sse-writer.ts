import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { FairleadError } from '@fairlead/contracts';

const defaultStallMs = 30_000;
/** How long what is left of an ended stream is kept for its reader. */
const lingerMs = 30_000;

/**
 * Makes the function that writes to a stream of server-sent events and waits until its reader keeps up. Throws
 * `overloaded` when the reader has taken nothing for `stallMs` (30 s when not given), and when the signal aborts.
 */
export function sseWriter(
  out: Writable,
  { signal, stallMs = defaultStallMs }: { signal: AbortSignal; stallMs?: number },
): (data: Buffer | string) => Promise<void> {
  return async (data) => {
    if (out.write(data)) return;
    const slow = AbortSignal.timeout(stallMs);
    try {
      await once(out, 'drain', { signal: AbortSignal.any([signal, slow]) });
    } catch (error) {
      if (slow.aborted && !signal.aborted) throw new FairleadError('overloaded', 'the reader takes nothing', { cause: error });
      throw error;
    }
  };
}

/** Ends a stream, after a last word where there is one; a reader who takes nothing does not keep what waits for it for ever. */
export function endStream(out: Writable, last?: Buffer | string): void {
  out.end(last);
  const rest = setTimeout(() => out.destroy(), lingerMs);
  out.once('close', () => {
    clearTimeout(rest);
  });
}
