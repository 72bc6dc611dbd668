/** Clients of the change stream that keep what they are told, and hold each telling against what they know. */
import { setTimeout as pause } from 'node:timers/promises';
import { changesPath, describeError, type Change } from '@fairlead/contracts';
import { readChanges } from './change-reader.js';

/** What a client knows of the log: an id of each position, in order. */
export class KnownLog {
  readonly ids: string[] = [];
  /** How often it was told that what it knows is no longer so. */
  superseded = 0;
  readonly faults: string[] = [];

  /** The next position, nothing else: what was dropped comes anew, all other positions come once. */
  apply(change: Pick<Change, 'position' | 'aggregate_type' | 'aggregate_id' | 'version' | 'type'>): void {
    if (change.position !== this.ids.length + 1)
      this.faults.push(`position ${String(change.position)} came after ${String(this.ids.length)}`);
    else this.ids.push(idOf(change));
  }

  dropAfter(position: number): void {
    this.superseded += 1;
    if (position > this.ids.length) this.faults.push(`${String(position)} was called valid to who knows ${String(this.ids.length)}`);
    this.ids.splice(position);
  }
}

/** What tells one event from another that took its position. */
export function idOf(event: { aggregate_type: string; aggregate_id: string; version: number; type: string }): string {
  return `${event.aggregate_type}/${event.aggregate_id}/${String(event.version)}/${event.type}`;
}

export interface KnowingClient {
  readonly name: string;
  readonly known: KnownLog;
  stop(): Promise<void>;
}

/** Keeps a stream of server-sent events open. */
export function streamingClient(name: string, url: string, token: string): KnowingClient {
  const known = new KnownLog();
  const reader = readChanges(url, () => token, { cursor: '0' });
  let taken = 0;
  const take = () => {
    for (const item of reader.items.slice(taken)) {
      taken += 1;
      if (item.kind === 'change') known.apply(item.change);
      else if (item.kind === 'superseded') known.dropAfter(item.validUntil);
    }
  };
  const timer = setInterval(take, 10);
  return {
    name,
    known,
    stop: async () => {
      clearInterval(timer);
      reader.stop();
      const failure = await reader.ended;
      take();
      if (failure !== undefined) known.faults.push(`it was ended: ${describeError(failure)}`);
    },
  };
}

interface Page {
  items: Change[];
  cursor: string;
}

/** Asks for page after page. */
export function pollingClient(name: string, url: string, token: string): KnowingClient {
  const known = new KnownLog();
  const aborter = new AbortController();
  const { signal } = aborter;
  let cursor = '0';
  const ask = async (): Promise<boolean> => {
    const query = new URLSearchParams({ cursor, limit: '200', wait_seconds: '1' });
    const answer = await fetch(`${url}${changesPath}?${query.toString()}`, { headers: { authorization: `Bearer ${token}` }, signal });
    const body: unknown = await answer.json();
    if (answer.status === 200) {
      const page = body as Page;
      for (const item of page.items) known.apply(item);
      ({ cursor } = page);
      return true;
    }
    if (answer.status === 410) {
      const { details } = body as { details: { incarnation: string; valid_until: number } };
      known.dropAfter(details.valid_until);
      cursor = `${String(details.valid_until)}.${details.incarnation}`;
      return true;
    }
    if (answer.status < 500 && answer.status !== 429) known.faults.push(`it was answered with ${JSON.stringify(body)}`);
    return false;
  };
  const running = (async () => {
    while (!signal.aborted) if (!(await ask().catch(() => false))) await pause(50);
  })();
  return {
    name,
    known,
    stop: async () => {
      aborter.abort();
      await running;
    },
  };
}
