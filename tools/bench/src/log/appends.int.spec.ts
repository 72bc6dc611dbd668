/** The slice of the bench that is part of the tests: each store is set up, appended to and counted, in this process. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { recordServer, testFolder } from '@fairlead/testing';
import type { BenchRun } from '../run.js';
import { prepareAppending } from './appending.js';
import { checkAll, openArena, type Arena } from './appends.js';
import { clusterOf } from './servers.js';
import { rowsAtOnce, storeNames } from './stores.js';

const ends: (() => Promise<void>)[] = [];
let arena: Arena;

beforeAll(async () => {
  const run: BenchRun = { folder: testFolder('bench'), quick: true, log: () => undefined, defer: (end) => void ends.push(end) };
  const cluster = await clusterOf(run);
  recordServer({ pid: cluster.pid, signal: 'SIGQUIT' });
  arena = await openArena(cluster);
}, 60_000);

afterAll(async () => {
  for (const end of ends.reverse()) await end();
}, 60_000);

it.each(storeNames)(
  '%s takes what is appended, and has all of it afterwards',
  async (store) => {
    const measure = await prepareAppending({ store, url: arena.access[store].url, appenders: 2, label: 'spec', ms: 100 });
    const { count, total, p50Ms, p99Ms } = await measure();
    expect(count).toBeGreaterThan(0);
    expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
    arena.appended[store] += total * (store === 'rows' ? rowsAtOnce : 1);
    await checkAll(arena);
  },
  20_000,
);

it('finds out when something that was appended is not there', async () => {
  for (const store of storeNames) {
    const appended = { ...arena.appended, [store]: arena.appended[store] + 1 };
    await expect(checkAll({ ...arena, appended })).rejects.toThrow(`${store} holds`);
  }
});
