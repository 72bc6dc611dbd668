/** The slice of the bench that is part of the tests: our engine runs jobs of the bench, and its checks can fail. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { recordServer, testFolder } from '@fairlead/testing';
import { query } from '../log/appends.js';
import { clusterOf, type Access } from '../log/servers.js';
import type { BenchRun } from '../run.js';
import { ledgerTable, openLedger, steps } from './ledger.js';
import { openRun } from './running.js';
import { openOurTables } from './throughput.js';

const ends: (() => Promise<void>)[] = [];
let access: Access;

beforeAll(async () => {
  const run: BenchRun = { folder: testFolder('bench-jobs'), quick: true, log: () => undefined, defer: (end) => void ends.push(end) };
  const cluster = await clusterOf(run);
  recordServer({ pid: cluster.pid, signal: 'SIGQUIT' });
  access = await openOurTables(cluster, 'ours');
  await query(access.adminUrl, ledgerTable);
}, 60_000);

afterAll(async () => {
  for (const end of ends.reverse()) await end();
}, 60_000);

it.each(['count', 'row'] as const)(
  'runs jobs whose steps do %s, each step once',
  async (effect) => {
    const run = await openRun({ engine: 'ours', ...access, effect, concurrency: 3, label: `spec-${effect}`, ms: 100, warmUpMs: 50 });
    try {
      const { jobs, firstStepP50Ms, firstStepP99Ms } = await run.measure();
      expect(jobs).toBeGreaterThanOrEqual(3);
      expect(firstStepP99Ms).toBeGreaterThanOrEqual(firstStepP50Ms);
    } finally {
      await run.stop();
    }
  },
  30_000,
);

it.each(['count', 'row'] as const)('finds out when steps that do %s were done twice, or not at all', async (effect) => {
  for (const [wrong, times] of [
    ['twice', 2],
    ['never', 0],
  ] as const) {
    const job = `${wrong}-${effect}-job`;
    const ledger = openLedger({ effect, url: access.adminUrl, label: `${wrong}-${effect}` });
    for (let step = 0; step < steps; step += 1) for (let n = 0; n < (step === steps - 1 ? times : 1); n += 1) await ledger.act(job, step);
    await expect(ledger.check([job])).rejects.toThrow(`1 steps were not done once, such as ${job}/${String(steps - 1)}`);
    await ledger.close();
  }
});
