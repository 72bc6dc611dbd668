// Real: Postgres, NATS, a projection's worker.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Sql } from '@fairlead/postgres';
import { pauseProjection, resumeProjection, waitForProjection } from './index.js';
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
