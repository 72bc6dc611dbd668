/** Rebuilding projections while they serve, on a real Postgres and a real NATS. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { eventType, type EventCatalogue } from '@fairlead/contracts';
import { openDatabase } from '@fairlead/postgres';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import {
  cancelRebuild,
  defineProjection,
  headPosition,
  pauseProjection,
  requestRebuild,
  resumeProjection,
  waitForProjection,
  type ProjectionDefinition,
} from '../index.js';
import { logger, startBench, type Bench } from './projection.fixture.js';

let bench: Bench;

beforeAll(async () => {
  bench = await startBench();
  await bench.append(1_000);
}, 60_000);

afterAll(() => bench.stop(), 60_000);

const askFor = (name: string) => bench.control.transaction((tx) => requestRebuild(tx, name));
const epochsOf = async (name: string) =>
  (await bench.state(name)).epochs.map(({ epoch, serving, version }) => ({ epoch, serving, version }));

/** The tables there are of a projection, whoever may read them. */
async function tablesOf(name: string): Promise<string[]> {
  const rows = await bench.database.adminSql.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'placement'::regnamespace and relname like $1 || '_e%' and relkind = 'r' order by 1`,
    [name],
  );
  return rows.map((row) => row.name);
}

/** Waits until an epoch serves and what was before it is gone. */
async function expectServing(name: string, epoch: number, version = 1): Promise<void> {
  await eventuallyHolds(
    async () => {
      expect(await epochsOf(name)).toEqual([{ epoch, serving: true, version }]);
      expect(await tablesOf(name)).toEqual([`${name}_e${epoch}`]);
    },
    { timeoutMs: 40_000, what: `epoch ${epoch} of ${name} to serve alone` },
  );
}

/** Reads on and on: each answer is whole up to the position asked for, and none is older than one before. */
function startReader(name: string) {
  const aborter = new AbortController();
  let seen = 0;
  let reads = 0;
  const running = (async () => {
    while (!aborter.signal.aborted) {
      const position = await headPosition(bench.db);
      await waitForProjection({ sql: bench.db, name, position, timeoutMs: 10_000, messaging: bench.bus.messaging });
      const [row] = await bench.db.query<{ whole: number; last: number }>(
        `select count(distinct position) filter (where position <= $1) as whole, max(position) as last from ${name}`,
        [position],
      );
      expect(row?.whole).toBe(position);
      expect(row?.last).toBeGreaterThanOrEqual(seen);
      seen = row?.last ?? 0;
      reads += 1;
    }
  })();
  return {
    stop: async () => {
      aborter.abort();
      await running;
      return reads;
    },
  };
}

describe.each([1, 4])('a rebuild of %d parts', (partitions) => {
  const named = (name: string) => `${name}_${partitions}`;

  it('serves the old epoch until the new one is level: no read is old or lacks anything, under load, with two workers', async () => {
    const rebuilt = await bench.define(named('rebuilt'), { partitions });
    bench.start(rebuilt);
    bench.start(rebuilt);
    await bench.expectSeen(rebuilt.name, await headPosition(bench.db));
    const readers = [startReader(rebuilt.name), startReader(rebuilt.name)];
    for (const epoch of [2, 3]) {
      await askFor(rebuilt.name);
      await eventually(
        async () => {
          await bench.append(20);
          return (await bench.state(rebuilt.name)).epochs.some((each) => each.serving && each.epoch === epoch);
        },
        { timeoutMs: 20_000, what: 'the swap' },
      );
    }
    for (const reader of readers) expect(await reader.stop()).toBeGreaterThan(0);
    await bench.expectSeen(rebuilt.name, await bench.append(10));
    await expectServing(rebuilt.name, 3);
  }, 60_000);

  it('goes on after its connections were killed, in whichever transaction', async () => {
    const crashed = await bench.define(named('crashed'), { partitions });
    const own = await openDatabase({
      ...bench.database.access('placement'),
      schema: 'placement',
      applicationName: 'crashed',
      poolSize: 4,
      logger,
    });
    const worker = bench.start(crashed, { db: own, pageSize: 5 });
    await bench.expectSeen(crashed.name, await headPosition(bench.db));
    await askFor(crashed.name);
    let kills = 0;
    await eventually(
      async () => {
        const killed = await bench.database.adminSql.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'crashed' and state <> 'idle'`,
        );
        kills += killed.length;
        return kills >= 8;
      },
      { timeoutMs: 30_000, intervalMs: 5, what: 'eight kills' },
    );
    await expectServing(crashed.name, 2);
    await bench.expectSeen(crashed.name, await bench.append(1));
    await worker.stop();
    await own.close();
  }, 90_000);

  it('is given up on request: what was filled is dropped, and the next one has a number of its own', async () => {
    let held = true;
    let pages = 0;
    const cancelled = await bench.define(named('cancelled'), {
      partitions,
      before: async () => {
        pages += 1;
        // The first epoch is filled; the second one stands still after a few pages.
        if (pages > 100) await eventually(() => !held, { timeoutMs: 20_000, what: 'the test to go on' });
      },
    });
    bench.start(cancelled);
    await bench.expectSeen(cancelled.name, await headPosition(bench.db));
    pages = 98;
    await askFor(cancelled.name);
    await eventually(() => pages > 100, { what: 'a second epoch' });
    await expect(askFor(cancelled.name)).rejects.toMatchObject({ code: 'projection_state' });
    await bench.control.transaction((tx) => cancelRebuild(tx, cancelled.name));
    expect(await epochsOf(cancelled.name)).toEqual([{ epoch: 1, serving: true, version: 1 }]);
    held = false;
    await expectServing(cancelled.name, 1);
    await askFor(cancelled.name);
    await expectServing(cancelled.name, 3);
    await bench.expectSeen(cancelled.name, await headPosition(bench.db));
  }, 60_000);

  it('stands still while the projection is paused', async () => {
    const still = await bench.define(named('still'), { partitions });
    bench.start(still);
    await bench.expectSeen(still.name, await headPosition(bench.db));
    await bench.control.transaction((tx) => pauseProjection(tx, still.name));
    await askFor(still.name);
    await eventually(async () => (await bench.state(still.name)).epochs.length === 2, { what: 'the epoch' });
    const waiting = waitForProjection({ sql: bench.db, name: still.name, position: await bench.append(1), timeoutMs: 1_500 });
    await expect(waiting).rejects.toMatchObject({ details: { paused: true, rebuilding: true } });
    expect((await bench.state(still.name)).epochs).toMatchObject([{ serving: true }, { serving: false, position: 0 }]);
    await bench.control.transaction((tx) => resumeProjection(tx, still.name));
    await expectServing(still.name, 2);
  }, 30_000);
});

describe('a definition of a higher version', () => {
  it('is filled by new workers while those of the release before go on with the old epoch, which end with it', async () => {
    const name = 'upgraded';
    const [first, second] = [await bench.define(name, { version: 1 }), await bench.define(name, { version: 2, partitions: 3 })];
    const old = bench.start(first);
    await bench.expectSeen(name, await headPosition(bench.db));
    const reader = startReader(name);
    bench.start(second);
    await eventually(
      async () => {
        await bench.append(20);
        return (await epochsOf(name)).some((epoch) => epoch.serving && epoch.version === 2);
      },
      { timeoutMs: 20_000, what: 'the swap' },
    );
    expect(await reader.stop()).toBeGreaterThan(0);
    await expectServing(name, 2, 2);
    expect(await bench.state(name)).toMatchObject({ epochs: [{ parts: 3 }] });
    await old.stop();
    // One of the release before, started again, leaves the new epoch alone, and the request of an operator to others.
    bench.start(first);
    await bench.expectSeen(name, await bench.append(10));
    expect(await epochsOf(name)).toEqual([{ epoch: 2, serving: true, version: 2 }]);
  }, 60_000);

  it('takes the place of an unfinished one of a version in between', async () => {
    const name = 'twice';
    let held = true;
    const hold = () => eventually(() => !held, { timeoutMs: 20_000, what: 'the test to go on' }).then(() => undefined);
    const versions = [
      await bench.define(name),
      await bench.define(name, { version: 2, before: hold }),
      await bench.define(name, { version: 3 }),
    ];
    const start = (version: ProjectionDefinition | undefined) => version && bench.start(version);
    start(versions[0]);
    await bench.expectSeen(name, await headPosition(bench.db));
    start(versions[1]);
    await eventually(async () => (await epochsOf(name)).length === 2, { what: 'the epoch of version 2' });
    start(versions[2]);
    await eventually(async () => (await epochsOf(name)).some((epoch) => epoch.version === 3), { what: 'the epoch of version 3' });
    held = false;
    await expectServing(name, 3, 3);
    await bench.expectSeen(name, await headPosition(bench.db));
  }, 60_000);

  it('may bring tables and leave tables out', async () => {
    const name = 'tables';
    const [, other] = [await bench.define(name), await bench.define('tables_more')];
    const first = { ...(await bench.define(name)), tables: { [name]: `${name}_v1`, tables_more: 'tables_more_v1' } };
    bench.start(first);
    await bench.expectSeen(name, await headPosition(bench.db));
    expect(await bench.db.query(`select count(*) as rows from ${other.name}`)).toEqual([{ rows: 0 }]);
    bench.start(await bench.define(name, { version: 2 }));
    await expectServing(name, 2, 2);
    await expect(bench.db.query(`select count(*) as rows from ${other.name}`)).rejects.toThrow('does not exist');
    expect(await tablesOf('tables_more')).toEqual([]);
  }, 60_000);
});

describe('a typed projection', () => {
  const anything = eventType(z.strictObject({ n: z.number() }));
  const tenants = { tenant: { permission: 'log.read', types: { changed: anything } } } as const satisfies EventCatalogue;

  it('reads the events of its aggregate types decoded, passes over others, and stops at what it can not read', async () => {
    const { tables } = await bench.define('typed');
    const define = (name: string, catalogue: typeof tenants) =>
      defineProjection({
        name,
        version: 1,
        tables: { [name]: tables['typed'] ?? '' },
        reads: ['tenant'],
        catalogue,
        apply: async (tx, events, own) => {
          const numbers: number[] = events.map((event) => event.payload.n);
          await tx.query(`insert into ${own[name] ?? ''} (position, aggregate_id, version) select *, 'x', 0 from unnest($1::int[])`, [
            numbers,
          ]);
        },
      });
    const typed = define('typed', tenants);
    bench.start(typed);
    const head = await headPosition(bench.db);
    const [shard] = await bench.db.query<{ last_position: number }>(
      `select last_position from log.append('[{"command_id": "odd", "events": [{"aggregate_type": "shard", "aggregate_id": "s", "type": "never_heard_of", "payload": {}, "meta": {}}]}]')`,
    );
    await waitForProjection({ sql: bench.db, name: 'typed', position: shard?.last_position ?? 0, timeoutMs: 20_000 });
    expect(await bench.db.query('select count(*) as rows from typed')).toEqual([{ rows: head }]);
    const unknown = { ...tenants, tenant: { ...tenants.tenant, types: {} } } as unknown as typeof tenants;
    await bench.define('unread');
    bench.start(define('unread', unknown));
    await eventually(async () => (await bench.state('unread')).epochs[0]?.stopped, { what: 'it to stop' });
    expect((await bench.state('unread')).epochs[0]?.stopped).toMatchObject({
      position: 1,
      reason: expect.stringContaining('tenant.changed'),
    });
    await waitForProjection({ sql: bench.db, name: 'typed', position: await bench.append(1), timeoutMs: 20_000 });
  }, 60_000);
});
