import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@fairlead/telemetry';
import { eventually, eventuallyHolds, testDatabase, type TestDatabase } from '@fairlead/testing';
import { readLog } from '@fairlead/event-log';
import { armLoops, claimLoops, keepLoops } from '../store/loops.js';
import { migrations } from '../store/migrations/index.js';
import { startLoops, type LoopKind } from './loops.js';

const logger = createLogger({ service: 'test', level: 'silent' });
let database: TestDatabase;
let counts: Record<string, number>;
const running: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  database = await testDatabase({ service: 'job-orchestrator', migrations });
}, 60_000);
afterAll(() => database.drop());
beforeEach(async () => {
  counts = { ok: 0, failed: 0, late: 0 };
  await database.db.query('delete from loop');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

const keys = (count: number) => Array.from({ length: count }, (_, n) => `k${String(n)}`);

function loop(parts: Partial<LoopKind> = {}): LoopKind {
  return {
    kind: 'toy',
    intervalMs: 200,
    batch: 50,
    timeoutMs: 30_000,
    keys: () => Promise.resolve(keys(120)),
    check: (rows) => Promise.resolve(new Map(rows.map(({ key }) => [key, undefined]))),
    ...parts,
  };
}

function run(kind: LoopKind): void {
  const metrics = {
    checked: (_kind: string, outcome: string, count: number) => {
      counts[outcome] = (counts[outcome] ?? 0) + count;
    },
    lag: () => undefined,
  };
  running.push(startLoops({ db: database.db, kinds: [kind], logger, metrics, onAppended: () => undefined, pollMs: 50 }));
}

describe('periodic checks', () => {
  it('come to each row in its turn, by whichever replica, never to one twice at once', async () => {
    const seen = new Map<string, number[]>();
    const at = new Set<string>();
    const kind = loop({
      check: async (rows) => {
        for (const { key } of rows) {
          expect(at.has(key)).toBe(false);
          at.add(key);
          seen.set(key, [...(seen.get(key) ?? []), performance.now()]);
        }
        await new Promise(setImmediate);
        for (const { key } of rows) at.delete(key);
        return new Map(rows.map(({ key }) => [key, undefined]));
      },
    });
    for (let replica = 0; replica < 3; replica += 1) run(kind);
    await eventuallyHolds(
      () => {
        expect(seen.size).toBe(120);
        expect(Math.min(...[...seen.values()].map((times) => times.length))).toBeGreaterThan(5);
      },
      { what: 'six turns of each row', timeoutMs: 20_000 },
    );
    // Not more often than the interval says.
    for (const times of seen.values()) expect(times.length).toBeLessThanOrEqual(((times.at(-1) ?? 0) - (times[0] ?? 0)) / 200 + 2);
  });

  it('keep what they came to, and tell what has changed alone', async () => {
    let mood = 'calm';
    const checked: unknown[] = [];
    run(
      loop({
        keys: () => Promise.resolve(['acme']),
        intervalMs: 50,
        check: (rows) => {
          checked.push(rows[0]?.state);
          return Promise.resolve(new Map(rows.map(({ key }) => [key, { mood }])));
        },
        changed: (key, now, before) => [
          {
            aggregateType: 'job',
            aggregateId: key,
            type: 'job_signalled',
            payload: { by: JSON.stringify(before), signal: String(now['mood']) },
          },
        ],
      }),
    );
    await eventually(() => checked.length > 4, { what: 'some checks' });
    mood = 'rough';
    await eventually(() => checked.filter((state) => JSON.stringify(state) === '{"mood":"rough"}').length > 3, { what: 'more of them' });
    const told = await readLog(database.db, { after: 0, limit: 10, aggregateType: 'job', aggregateId: 'acme' });
    expect(told.map(({ payload }) => [payload['by'], payload['signal']])).toEqual([
      ['null', 'calm'],
      ['{"mood":"calm"}', 'rough'],
    ]);
    expect(told.map(({ meta }) => meta.principal)).toEqual(Array(2).fill('service:job-orchestrator'));
  });

  it('come again after a failure, of a batch or of a row', async () => {
    let turn = 0;
    run(
      loop({
        keys: () => Promise.resolve(['a', 'b']),
        intervalMs: 50,
        check: (rows) => {
          turn += 1;
          if (turn === 1) return Promise.reject(new Error('away'));
          return Promise.resolve(new Map(rows.filter(({ key }) => key !== 'b').map(({ key }) => [key, { turn }])));
        },
      }),
    );
    await eventuallyHolds(
      async () => {
        const rows = await database.db.query<{ key: string; failures: number; state: unknown }>(
          'select key, failures, state from loop order by key',
        );
        expect(rows).toMatchObject([
          { key: 'a', failures: 0 },
          { key: 'b', state: null },
        ]);
        expect(rows[1]?.failures).toBeGreaterThan(2);
      },
      { what: 'a to be well and b to fail' },
    );
  });

  it('leave rows to others when a replica does not come back, and its late word counts no more', async () => {
    await keepLoops(database.db, 'toy', ['x'], 100);
    await database.db.query(`update loop set next_at = now()`);
    const [claimed] = await claimLoops(database.db, { kind: 'toy', most: 5, claimMs: 150 });
    if (claimed === undefined) throw new Error('one is due');
    expect(await claimLoops(database.db, { kind: 'toy', most: 5, claimMs: 150 })).toEqual([]);
    const [again] = await eventually(
      async () => {
        const rows = await claimLoops(database.db, { kind: 'toy', most: 5, claimMs: 5_000 });
        return rows.length > 0 ? rows : undefined;
      },
      { what: 'the claim to end' },
    );
    expect(again?.fence).toBeGreaterThan(claimed.fence);
    // It was due when it was due: the time that it was claimed in vain counts.
    expect(again?.lateMs).toBeGreaterThanOrEqual(150);
    const armed = { key: 'x', failed: false, changed: true, state: { by: 'late' } };
    expect(await armLoops(database.db, 'toy', [{ ...armed, fence: claimed.fence }])).toEqual(new Set());
    expect(await armLoops(database.db, 'toy', [{ ...armed, fence: again?.fence ?? 0, state: { by: 'other' } }])).toEqual(new Set(['x']));
    expect(await database.db.query(`select state, due_at from loop`)).toEqual([{ state: { by: 'other' }, due_at: null }]);
  });

  it('keep their spread: the next turn is a whole number of intervals after the one before', async () => {
    await keepLoops(database.db, 'toy', keys(50), 1_000);
    const before = await database.db.query<{ key: string; at: number }>(
      `select key, (extract(epoch from next_at) * 1000)::float8 as at from loop order by key`,
    );
    await eventually(
      async () => {
        const rows = await claimLoops(database.db, { kind: 'toy', most: 50, claimMs: 1_000 });
        await armLoops(
          database.db,
          'toy',
          rows.map(({ key, fence }) => ({ key, fence, failed: false, changed: false, state: null })),
        );
        const [{ count } = { count: 0 }] = await database.db.query<{ count: number }>(`select count(*) from loop where fence > 0`);
        return count === 50;
      },
      { what: 'a turn of each' },
    );
    const after = await database.db.query<{ key: string; at: number }>(
      `select key, (extract(epoch from next_at) * 1000)::float8 as at from loop order by key`,
    );
    after.forEach(({ at }, n) => {
      expect(((at - (before[n]?.at ?? 0)) / 1_000) % 1).toBeCloseTo(0, 2);
      expect(at).toBeGreaterThan(before[n]?.at ?? Infinity);
    });
  });

  it('follow the keys there should be', async () => {
    expect(await keepLoops(database.db, 'toy', ['a', 'b'], 1_000)).toBe(true);
    expect(await keepLoops(database.db, 'toy', ['b', 'a'], 1_000)).toBe(false);
    expect(await keepLoops(database.db, 'toy', ['b', 'c'], 2_000)).toBe(true);
    expect(await database.db.query('select key, interval_ms from loop order by key')).toEqual([
      { key: 'b', interval_ms: 2_000 },
      { key: 'c', interval_ms: 2_000 },
    ]);
  });

  it('are followed without waiting for those that are just claimed or armed', async () => {
    await keepLoops(database.db, 'toy', ['a', 'b'], 1_000);
    await database.db.query(`update loop set next_at = now()`);
    const claimed = await claimLoops(database.db, { kind: 'toy', most: 5, claimMs: 5_000 });
    await database.db.transaction(async (tx) => {
      const armed = claimed.map(({ key, fence }) => ({ key, fence, failed: false, changed: false, state: null }));
      await armLoops(tx, 'toy', armed);
      // Waiting for each other would be a deadlock, and the rows that could not be armed wait for their claim's end.
      const kept = keepLoops(database.db, 'toy', ['c', 'a'], 2_000);
      let ended = false;
      void kept.finally(() => (ended = true));
      await eventually(() => ended, { what: 'the keys to be followed' });
      expect(await kept).toBe(true);
    });
    expect(await keepLoops(database.db, 'toy', ['c', 'a'], 2_000)).toBe(true);
    expect(await database.db.query('select key, interval_ms from loop order by key')).toEqual([
      { key: 'a', interval_ms: 2_000 },
      { key: 'c', interval_ms: 2_000 },
    ]);
  });
});
