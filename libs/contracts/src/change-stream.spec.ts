import { afterEach, describe, expect, it } from '@jest/globals';
import { watchChanges, type ChangeItem, type WatchChangesOptions } from './change-stream.js';

const change = (position: number) => ({
  ...{ cursor: `${position}.i1`, position, aggregate_type: 'job', aggregate_id: 'job_1', version: position, type: 'job_queued' },
  ...{ schema_version: 1, recorded_at: '2026-11-01T10:00:00.000Z', tenant_id: null, node_id: null, payload: {}, meta: {} },
});
const sse = (id: string, event: string, data: object) => `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const changed = (position: number) => sse(`${position}.i1`, 'change', change(position));

/** What one connection brings: text, then its end or an error; or the error that it is refused with. */
type Connection = { readonly text: string; readonly breaks?: boolean; readonly silent?: boolean } | { readonly refused: Error };

const aborters: AbortController[] = [];
afterEach(() => {
  for (const aborter of aborters.splice(0)) aborter.abort();
});

/** Serves connections one after the other and reads until `count` items have come. */
async function read(connections: readonly Connection[], count: number, options: Partial<WatchChangesOptions> = {}) {
  const aborter = new AbortController();
  aborters.push(aborter);
  const asked: Record<string, string>[] = [];
  const open: WatchChangesOptions['open'] = (query, signal) => {
    const connection = connections[asked.length];
    asked.push(query);
    if (connection === undefined) return Promise.reject(refusal('too_many'));
    return 'refused' in connection ? Promise.reject(connection.refused) : Promise.resolve(bodyOf(connection, signal));
  };
  const isRefusal = (error: unknown) => error instanceof Error && 'code' in error;
  const items: ChangeItem[] = [];
  const watching = watchChanges({ open, isRefusal, signal: aborter.signal, delaysMs: [1], ...options });
  for await (const item of watching) if (items.push(item) === count) break;
  return { items, asked };
}

async function* bodyOf({ text, breaks, silent }: Exclude<Connection, { refused: Error }>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
  if (breaks === true) throw new Error('the connection broke');
  if (silent === true)
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(new Error('aborted'));
      });
    });
}

const refusal = (code: string, details: object = {}) => Object.assign(new Error(code), { code, details });
const positions = (items: readonly ChangeItem[]) => items.map((item) => (item.kind === 'change' ? item.change.position : item.kind));

describe('following the change stream', () => {
  it('goes on behind the last change or heartbeat when the stream breaks, ends, is cut off or is silent', async () => {
    const { items, asked } = await read(
      [
        { text: changed(1) + changed(2), breaks: true },
        { refused: new TypeError('fetch failed') },
        { text: sse('7.i1', 'heartbeat', { cursor: '7.i1' }) },
        { text: changed(8) + sse('8.i1', 'cut_off', { cursor: '8.i1', code: 'overloaded' }) },
        { text: changed(9), silent: true },
        { text: changed(10).slice(0, -10) },
        { text: changed(10) },
      ],
      6,
      { cursor: '0', idleTimeoutMs: 100, query: { types: ['job.*', 'tenant.*'], tenant: 'acme' } },
    );
    expect(positions(items)).toEqual([1, 2, 'heartbeat', 8, 9, 10]);
    expect(items[0]).toMatchObject({ cursor: '1.i1', change: change(1) });
    expect(asked.map(({ cursor }) => cursor)).toEqual(['0', '2.i1', '2.i1', '7.i1', '8.i1', '9.i1', '9.i1']);
    expect(asked.every(({ types, tenant }) => types === 'job.*,tenant.*' && tenant === 'acme')).toBe(true);
  });

  it('tells of a restore of the log, met at the beginning or on the way, and goes on from there', async () => {
    const superseded = { incarnation: 'i2', valid_until: 5 };
    const after = { kind: 'superseded', cursor: '5.i2', incarnation: 'i2', validUntil: 5 };
    const later = sse('6.i2', 'heartbeat', {});
    const refused = await read([{ refused: refusal('cursor_superseded', superseded) }, { text: later }], 2, { cursor: '9.i1' });
    expect(refused.items).toEqual([after, { kind: 'heartbeat', cursor: '6.i2' }]);
    const told = await read([{ text: changed(8) + sse('5.i2', 'superseded', superseded) }, { text: later }], 3);
    expect(told.items.slice(1)).toEqual([after, { kind: 'heartbeat', cursor: '6.i2' }]);
    for (const { asked } of [refused, told]) expect(asked.at(-1)).toEqual({ cursor: '5.i2' });
  });

  it('ends with a refusal, with a change that is not understood, and when it is told to', async () => {
    await expect(read([{ refused: refusal('permission_denied') }], 1)).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(read([{ text: sse('1.i1', 'change', { position: 'one' }) }], 1)).rejects.toThrow('position');
    const aborter = new AbortController();
    const reading = read([{ text: changed(1), silent: true }], 2, { signal: aborter.signal });
    aborter.abort();
    expect((await reading).items.length).toBeLessThan(2);
  });

  it('brings an event whose payload and metadata are no objects as it is', async () => {
    for (const odd of [null, [], 'text', 5]) {
      const stored = { ...change(1), payload: odd, meta: odd };
      const { items } = await read([{ text: sse('1.i1', 'change', stored) }], 1);
      expect(items).toEqual([{ kind: 'change', cursor: '1.i1', change: stored }]);
    }
  });

  it('asks for the present when it is given no cursor', async () => {
    expect((await read([{ text: changed(3) }], 1)).asked).toEqual([{}]);
  });
});
