/** The moment in which reads go to another epoch, with a log and tables that others hold. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adminClient } from '@fairlead/postgres';
import { eventually, eventuallyHolds, testEvents } from '@fairlead/testing';
import { appendInTransaction, headPosition, readLog, requestRebuild, type Swap } from '../index.js';
import { startBench, type Bench } from './projection.fixture.js';

let bench: Bench;

beforeAll(async () => {
  bench = await startBench();
  await bench.append(200);
}, 60_000);

afterAll(() => bench.stop(), 60_000);

const askFor = (name: string) => bench.control.transaction((tx) => requestRebuild(tx, name));
const epochsOf = async (name: string) => (await bench.state(name)).epochs.map(({ epoch, serving }) => ({ epoch, serving }));

async function expectServing(name: string, epoch: number): Promise<void> {
  await eventuallyHolds(
    async () => {
      expect(await epochsOf(name)).toEqual([{ epoch, serving: true }]);
    },
    { timeoutMs: 20_000, what: `epoch ${epoch} of ${name} to serve alone` },
  );
}

/** Does something while a transaction of a superuser's that begins with a statement goes on. */
async function whileAdmin(statement: string, work: () => Promise<void>): Promise<void> {
  const client = await adminClient(bench.database.admin);
  try {
    await client.query('begin');
    await client.query(statement);
    await work();
    await client.query('commit');
  } finally {
    await client.end();
  }
}

describe('a swap', () => {
  it('waits for no appender that holds the head; it is told once it can be, by whoever is there, before its epoch goes', async () => {
    const told: Swap[] = [];
    const name = 'held';
    const held = await bench.define(name);
    const onSwapped = async (swap: Swap) => {
      const event = { aggregateType: 'tenant', aggregateId: name, type: 'changed', payload: { ...swap } } as const;
      await bench.db.transaction((tx) =>
        appendInTransaction(tx, { commandId: `swapped:${name}:${swap.epoch}`, events: [event] }, testEvents),
      );
      told.push(swap);
      // As if the process had died just then.
      if (told.length === 1) throw new Error('lost');
    };
    bench.start(held, { onSwapped });
    const before = await headPosition(bench.db);
    await bench.expectSeen(name, before);
    await askFor(name);
    await whileAdmin('select from log.head for update', async () => {
      await eventually(async () => (await epochsOf(name)).some((epoch) => epoch.serving && epoch.epoch === 2), {
        timeoutMs: 20_000,
        what: 'the swap while the head is held',
      });
      expect(told).toEqual([]);
    });
    await expectServing(name, 2);
    const swap = { epoch: 2, previousEpoch: 1, position: before };
    await eventuallyHolds(
      () => {
        expect(told).toEqual([swap, swap]);
      },
      { what: 'the swap to be told, and told again after the failure' },
    );
    const events = await readLog(bench.db, { after: 0, limit: 10, aggregateType: 'tenant', aggregateId: name });
    expect(events.map(({ payload }) => payload)).toEqual([swap]);
  }, 60_000);

  it('that does not come about shows since when it could', async () => {
    const blocked = await bench.define('blocked');
    bench.start(blocked);
    await bench.expectSeen(blocked.name, await headPosition(bench.db));
    // A reader that does not end, as a report may be.
    await whileAdmin('select from placement.blocked', async () => {
      await askFor(blocked.name);
      await eventually(async () => (await bench.state(blocked.name)).epochs[1]?.rebuild?.levelAt, {
        timeoutMs: 20_000,
        what: 'it to be level',
      });
      expect(await epochsOf(blocked.name)).toMatchObject([
        { epoch: 1, serving: true },
        { epoch: 2, serving: false },
      ]);
    });
    await expectServing(blocked.name, 2);
  }, 60_000);

  it('is made and told under 64 appenders', async () => {
    const told: Swap[] = [];
    const loaded = await bench.define('loaded');
    bench.start(loaded, {
      pageSize: 2_000,
      onSwapped: async (swap) => {
        await bench.append(1);
        told.push(swap);
      },
    });
    await bench.expectSeen(loaded.name, await headPosition(bench.db));
    const appending = { on: true };
    const appenders = Array.from({ length: 64 }, async () => {
      while (appending.on) await bench.append(5);
    });
    await askFor(loaded.name);
    await eventually(() => told.length > 0, { timeoutMs: 40_000, what: 'the swap' });
    appending.on = false;
    await Promise.all(appenders);
    await expectServing(loaded.name, 2);
    await bench.expectSeen(loaded.name, await headPosition(bench.db));
  }, 90_000);
});
