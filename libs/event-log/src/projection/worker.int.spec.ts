/** Projections and waiting for them, on a real Postgres and a real NATS. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase } from '@fairlead/postgres';
import { Registry } from '@fairlead/telemetry';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { headPosition, pauseProjection, resumeProjection, skipEvent, waitForProjection } from '../index.js';
import { logger, startBench, type Bench } from './projection.fixture.js';

let bench: Bench;

beforeAll(async () => {
  bench = await startBench();
}, 60_000);

afterAll(() => bench.stop(), 60_000);

const openOther = (name: string) =>
  openDatabase({ ...bench.database.access('placement'), schema: 'placement', applicationName: name, poolSize: 4, logger });

describe.each([1, 4])('a projection of %d parts', (partitions) => {
  const named = (name: string) => `${name}_${partitions}`;
  const define = (name: string, more: Parameters<Bench['define']>[1] = {}) => bench.define(named(name), { partitions, ...more });

  it('applies every event exactly once, with competing workers and restarts', async () => {
    const counted = await define('counted');
    const workers = [bench.start(counted), bench.start(counted)];
    await bench.append(200);
    await workers.shift()?.stop();
    bench.start(counted);
    bench.start(counted);
    const head = await bench.append(200);
    await bench.expectSeen(counted.name, head);
  }, 60_000);

  it('applies every event exactly once while its connections are killed', async () => {
    const killed = await define('killed');
    const own = await openOther('killed');
    const workers = [bench.start(killed, { db: own, pageSize: 3 }), bench.start(killed, { db: own, pageSize: 5 })];
    const appended = bench.append(300);
    let kills = 0;
    while (kills < 8) {
      const rows = await bench.database.adminSql.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'killed' and state <> 'idle'`,
      );
      kills += rows.length;
      if (rows.length === 0) await bench.append(3);
      await pause(5);
    }
    await appended;
    await bench.expectSeen(killed.name, await bench.append(1));
    await Promise.all(workers.map((worker) => worker.stop()));
    await own.close();
  }, 60_000);

  it('applies the events of each aggregate in order', async () => {
    const ordered = await define('ordered');
    const before = await headPosition(bench.db);
    bench.start(ordered, { concurrency: 4 });
    bench.start(ordered, { concurrency: 4 });
    await bench.expectSeen(ordered.name, await bench.append(before < 500 ? 500 : 50));
    const rows = await bench.db.query(
      `select aggregate_id from (select *, row_number() over (partition by aggregate_id order by applied) as place from ${ordered.name}) t where place <> version`,
    );
    expect(rows).toEqual([]);
  }, 60_000);

  it('stops at exactly the event that it can not apply, says so, and goes on when it can', async () => {
    const poison = (await headPosition(bench.db)) + 30;
    await bench.append(60);
    let cured = false;
    const registry = new Registry();
    const poisoned = await define('poisoned', {
      before: (events) => {
        if (!cured && events.some((event) => event.position === poison)) throw new Error('no such field');
      },
    });
    bench.start(poisoned, { registry });
    const beside = await define('beside');
    bench.start(beside);
    const stopped = { position: poison, reason: 'no such field', part: expect.any(Number), since: expect.any(Date) };
    await eventuallyHolds(
      async () => {
        expect((await bench.state(poisoned.name)).epochs).toMatchObject([{ epoch: 1, position: poison - 1, stopped }]);
      },
      { what: 'the projection to stop' },
    );
    await bench.expectSeen(beside.name, await headPosition(bench.db));
    const head = await headPosition(bench.db);
    const gauge = async (name: string) =>
      Number(new RegExp(`^fairlead_projection_${name}\\{projection="${poisoned.name}"\\} (.*)$`, 'm').exec(await registry.metrics())?.[1]);
    await eventuallyHolds(
      async () => {
        expect([await gauge('stopped'), await gauge('position'), await gauge('lag')]).toEqual([1, poison - 1, head - poison + 1]);
        expect(await gauge('lag_seconds')).toBeGreaterThan(0);
      },
      { what: 'the gauges' },
    );
    const waiting = waitForProjection({ sql: bench.db, name: poisoned.name, position: poison, timeoutMs: 50 });
    await expect(waiting).rejects.toMatchObject({
      code: 'projection_lagging',
      details: { stopped: true, paused: false, reached: poison - 1 },
    });
    // Trying it again, as is done every 5 s, does not make it a new stop.
    const retriedAt = async () =>
      (await bench.db.query<{ at: Date }>('select max(retry_at) as at from log.projection_part where name = $1', [poisoned.name]))[0]?.at;
    const stoppedEpoch = async () => (await bench.state(poisoned.name)).epochs[0];
    const [first, firstTry] = [await stoppedEpoch(), await retriedAt()];
    await eventually(async () => (await retriedAt())?.getTime() !== firstTry?.getTime(), { timeoutMs: 20_000, what: 'another try' });
    expect((await stoppedEpoch())?.stopped).toEqual(first?.stopped);
    cured = true;
    await bench.expectSeen(poisoned.name, head);
    expect((await bench.state(poisoned.name)).epochs).toMatchObject([{ position: head, stopped: null }]);
    await eventually(async () => (await gauge('stopped')) === 0 && (await gauge('lag_seconds')) === 0, { what: 'the gauges to fall' });
  }, 30_000);

  it('leaves out exactly the event that an operator decided to skip', async () => {
    const first = (await headPosition(bench.db)) + 10;
    const [, second] = [await bench.append(60), first + 20];
    const skipping = await define('skipping', {
      before: (events) => {
        if (events.some((event) => [first, second].includes(event.position))) throw new Error('poison');
      },
    });
    bench.start(skipping);
    bench.start(skipping);
    const skipAt = async (position: number) => {
      await eventually(async () => (await bench.state(skipping.name)).epochs[0]?.stopped?.position === position, { what: 'it to stop' });
      for (const other of [position - 1, position + 1]) {
        const refused = bench.control.transaction((tx) => skipEvent(tx, { name: skipping.name, epoch: 1, position: other }));
        await expect(refused).rejects.toMatchObject({ code: 'projection_state' });
      }
      await bench.control.transaction((tx) => skipEvent(tx, { name: skipping.name, epoch: 1, position }));
    };
    await skipAt(first);
    await skipAt(second);
    await bench.expectSeen(skipping.name, await headPosition(bench.db), [first, second]);
  }, 30_000);

  it('is paused in all processes after the page at hand, and goes on', async () => {
    let inFlight = 0;
    let pageMs = 20;
    let begun = 0;
    const paused = await define('paused', {
      before: async () => {
        inFlight += 1;
        begun += 1;
        await pause(pageMs);
        inFlight -= 1;
      },
    });
    const own = await openOther('paused');
    const workers = [bench.start(paused), bench.start(paused, { db: own })];
    await eventually(async () => (await bench.state(paused.name)).epochs[0]?.position, { what: 'it to begin' });
    await bench.append(100);
    await bench.control.transaction((tx) => pauseProjection(tx, paused.name));
    begun = 0;
    await eventually(() => inFlight === 0, { what: 'the pages at hand' });
    // A claim begun before the pause may have been granted just then.
    await eventually(
      async () => {
        const { epochs } = await bench.state(paused.name);
        return Date.now() - (epochs[0]?.updatedAt.getTime() ?? Infinity) > 600;
      },
      { what: 'nothing to be applied any more' },
    );
    // Two workers, two pages each at once.
    expect(begun).toBeLessThanOrEqual(4);
    const { epochs } = await bench.state(paused.name);
    const head = await bench.append(1);
    await expect(waitForProjection({ sql: bench.db, name: paused.name, position: head, timeoutMs: 500 })).rejects.toMatchObject({
      code: 'projection_lagging',
      message: expect.stringContaining('it is paused'),
    });
    expect(await bench.state(paused.name)).toMatchObject({ paused: true, epochs: [{ position: epochs[0]?.position }] });
    pageMs = 0;
    await bench.control.transaction((tx) => resumeProjection(tx, paused.name));
    await bench.expectSeen(paused.name, head);
    await Promise.all(workers.map((worker) => worker.stop()));
    await own.close();
  }, 60_000);
});

describe('several workers', () => {
  it('share the parts of a projection: none waits for another', async () => {
    await bench.append(400);
    const together = new Set<string>();
    let working = 0;
    let most = 0;
    const shared = await bench.define('shared', {
      partitions: 4,
      before: async (events) => {
        for (const event of events) together.add(event.aggregateId);
        working += 1;
        most = Math.max(most, working);
        await eventually(() => most > 1, { what: 'another page beside this one' });
        working -= 1;
      },
    });
    bench.start(shared, { concurrency: 1, pageSize: 20 });
    bench.start(shared, { concurrency: 1, pageSize: 20 });
    await bench.expectSeen(shared.name, await headPosition(bench.db));
    expect(most).toBe(2);
    expect(together.size).toBe(7);
  }, 60_000);

  it('tell who waits for nobody', async () => {
    const position = await headPosition(bench.db);
    const waiting = waitForProjection({ sql: bench.db, name: 'nobody', position, timeoutMs: 50 });
    await expect(waiting).rejects.toMatchObject({
      code: 'projection_lagging',
      details: { projection: 'nobody', wanted: position, reached: 0 },
    });
    const aborter = new AbortController();
    const aborted = waitForProjection({ sql: bench.db, name: 'nobody', position, timeoutMs: 60_000, signal: aborter.signal });
    aborter.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'projection_lagging' });
  });
});
