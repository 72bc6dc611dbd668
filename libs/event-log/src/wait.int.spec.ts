// Real: Postgres, NATS, a projection's worker.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Sql } from '@fairlead/postgres';
import { headPosition, pauseProjection, resumeProjection, waitForProjection } from './index.js';
import { startBench, type Bench } from './projection/projection.fixture.js';

let bench: Bench;

beforeAll(async () => {
  bench = await startBench();
}, 60_000);

afterAll(() => bench.stop(), 60_000);

it('looks once for all who wait, and lets no more wait than it can serve', async () => {
  const definition = await bench.define('awaited');
  bench.start(definition);
  await bench.expectSeen(definition.name, await bench.append(3));
  await bench.control.transaction((tx) => pauseProjection(tx, definition.name));
  const position = await bench.append(1);
  let queries = 0;
  const sql: Sql = {
    query: (...asked) => {
      queries += 1;
      return bench.db.query(...asked);
    },
  };
  const wait = (timeoutMs: number) =>
    waitForProjection({ sql, name: definition.name, position, timeoutMs, messaging: bench.bus.messaging }).then(
      () => 'reached',
      (error: unknown) => (error as { code?: unknown }).code,
    );
  const startedAt = performance.now();
  const impatient = await Promise.all(Array.from({ length: 500 }, () => wait(1_000)));
  expect(new Set(impatient)).toEqual(new Set(['projection_lagging']));
  // One each 50 ms, and a few for pokes; each waiter on its own would have made 10,000.
  expect(queries).toBeLessThan((performance.now() - startedAt) / 50 + 10);

  const patient = Array.from({ length: 1_000 }, () => wait(30_000));
  expect(await wait(30_000)).toBe('overloaded');
  await bench.control.transaction((tx) => resumeProjection(tx, definition.name));
  expect(new Set(await Promise.all(patient))).toEqual(new Set(['reached']));
  // Nobody waits: nothing is asked any more, and the next one begins anew.
  expect(await wait(0)).toBe('reached');
}, 60_000);

describe('a position beyond the end of the log', () => {
  it('is refused at once', async () => {
    const definition = await bench.define('beyond');
    bench.start(definition);
    const head = await bench.append(1);
    const startedAt = performance.now();
    for (const name of [definition.name, 'nobody']) {
      const waiting = waitForProjection({ sql: bench.db, name, position: head + 1, timeoutMs: 30_000 });
      await expect(waiting).rejects.toMatchObject({ code: 'log_behind', details: { position: head } });
    }
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it('is none that was committed while a look at the projection was on its way', async () => {
    const definition = await bench.define('overtaken');
    bench.start(definition);
    await bench.expectSeen(definition.name, await bench.append(1));
    const [looked, held] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const sql: Sql = {
      query: async (...asked) => {
        const rows = await bench.db.query(...asked);
        looked.resolve(undefined);
        await held.promise;
        return rows as never;
      },
    };
    const wait = (position: number) => waitForProjection({ sql, name: definition.name, position, timeoutMs: 30_000 });
    const first = wait(await headPosition(bench.db));
    await looked.promise;
    const second = wait(await bench.append(1));
    held.resolve(undefined);
    await Promise.all([first, second]);
  });
});
