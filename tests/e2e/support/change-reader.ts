/** A reader of the change stream of a whole stack, as a program of a tenant would be one. */
import { changesPath, watchChanges, type ChangeItem, type ChangeQuery } from '@fairlead/contracts';

export interface ChangeReader {
  /** All that has come so far, in order. */
  readonly items: ChangeItem[];
  /** Why it ended, when the gateway refused it. */
  readonly ended: Promise<unknown>;
  stop(): void;
}

/** Follows the change stream over every break; `token` is asked for whenever a connection is opened. */
export function readChanges(url: string, token: () => string, options: { cursor?: string; query?: ChangeQuery } = {}): ChangeReader {
  const aborter = new AbortController();
  const items: ChangeItem[] = [];
  const open = async (query: Record<string, string>, signal: AbortSignal) => {
    const headers = { authorization: `Bearer ${token()}`, accept: 'text/event-stream' };
    const response = await fetch(`${url}${changesPath}?${new URLSearchParams(query).toString()}`, { headers, signal });
    if (response.ok && response.body !== null) return response.body;
    throw Object.assign(new Error(`answered with ${String(response.status)}`), (await response.json()) as object);
  };
  const read = async () => {
    const watching = watchChanges({ ...options, open, signal: aborter.signal, isRefusal });
    for await (const item of watching) items.push(item);
  };
  return {
    items,
    ended: read().then(
      () => undefined,
      (error: unknown) => error,
    ),
    stop: () => {
      aborter.abort();
    },
  };
}

/** A gateway that starts again, or has too much to do, is asked again. */
function isRefusal(error: unknown): boolean {
  const { status } = error as { status?: unknown };
  return typeof status === 'number' && status < 500 && status !== 429;
}
