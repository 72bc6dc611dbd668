/** The engine while Postgres has no room left on its disk. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually, testFolder } from '@fairlead/testing';
import { boot, ended, engines, start } from './bench.fixture.js';
import { keptLog, ownPostgres, type OwnPostgres } from './faults.fixture.js';
import { smallDisk, type SmallDisk } from './small-disk.fixture.js';
import { step, toyKind } from './toy.fixture.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, 120_000);

/** Fills the disk while 120 jobs are under way, and makes room again once the engine has told of it; all jobs must end well. */
async function fillAndFree(disk: SmallDisk, postgres: OwnPostgres, afterwards: () => Promise<void>): Promise<void> {
  const { logger, lines } = keptLog();
  const pool = await postgres.open({ poolSize: 6, logger });
  cleanups.push(() => pool.close());
  const working = (name: string) =>
    step(name, { timeoutMs: 60_000, run: () => pause(200).then(() => ({ outcome: 'done', output: { text: name.repeat(500) } })) });
  const kind = toyKind([working('one'), working('two'), working('three')]);
  const deps = boot(kind, { db: pool, logger });
  boot(kind, { db: pool, logger });
  const started = await Promise.all(Array.from({ length: 120 }, (_, n) => start(deps, `t-${String(n % 40)}`)));
  await eventually(async () => (await pool.query(`select from step where status = 'succeeded'`)).length > 20, { what: 'steps to be done' });

  const { pid, logFile } = postgres.server();
  disk.fill(pid);
  await eventually(() => disk.says.test(readFileSync(logFile, 'utf8')), { what: 'Postgres to find it full' });
  const told = await eventually(() => lines.find(({ msg }) => /not written|could not reach its tables/.test(msg)), {
    what: 'the engine to tell of it',
  });
  expect(JSON.stringify(told)).toMatch(/No space left|could not extend|connection|ECONNREFUSED/i);
  disk.free(pid);
  await afterwards();

  const jobs = await Promise.all(started.map(({ jobId }) => ended(jobId, pool)));
  expect(jobs.map(({ job }) => job.status)).toEqual(jobs.map(() => 'succeeded'));
  expect(jobs.flatMap(({ steps }) => steps.filter((s) => s.status !== 'succeeded'))).toEqual([]);
  expect(await pool.query('select from lock')).toEqual([]);
  const [ends] = await pool.query<{ ends: number }>(`select count(*) as ends from log.event where type = 'job_succeeded'`);
  expect(ends).toEqual({ ends: 120 });
}

const first = smallDisk(200);

describe('when the disk of Postgres is full', () => {
  it('jobs stand still with a clear error in the log, and each goes on and ends once there is room again', async () => {
    cleanups.push(() => {
      first.remove();
    });
    const postgres = await ownPostgres(first.dir);
    cleanups.push(() => postgres.stop());
    // It may have gone down, as Postgres does when its own log of writes finds no room.
    await fillAndFree(first, postgres, () => postgres.crash());
  }, 180_000);

  // Where nothing can be mounted the log of writes is always what finds no room first.
  if (first.own)
    it('jobs go on once there is room again without a restart of Postgres, whose tables alone found none', async () => {
      const disk = smallDisk(200);
      cleanups.push(() => {
        disk.remove();
      });
      const postgres = await ownPostgres(disk.dir, testFolder('wal'));
      cleanups.push(() => postgres.stop());
      const { pid, logFile } = postgres.server();
      await fillAndFree(disk, postgres, () => Promise.resolve());
      expect(postgres.server().pid).toBe(pid);
      expect(readFileSync(logFile, 'utf8')).toMatch(/could not extend file/);
      expect(readFileSync(logFile, 'utf8')).not.toMatch(/PANIC|terminated by signal/);
    }, 180_000);
});
