/** The engine while Postgres has no room left on its disk. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '@fairlead/postgres';
import { eventually } from '@fairlead/testing';
import { boot, ended, start } from './bench.fixture.js';
import { keptLog, ownPostgres, type OwnPostgres } from './faults.fixture.js';
import { smallDisk, type SmallDisk } from './small-disk.fixture.js';
import { step, toyKind } from './toy.fixture.js';

let disk: SmallDisk;
let postgres: OwnPostgres;
let pool: Database;
const { logger, lines } = keptLog();

beforeAll(async () => {
  disk = smallDisk(200);
  postgres = await ownPostgres(disk.dir);
  pool = await postgres.open({ poolSize: 6, logger });
}, 60_000);

afterAll(async () => {
  await pool.close();
  await postgres.stop();
  disk.remove();
}, 60_000);

describe('when the disk of Postgres is full', () => {
  it('jobs stand still with a clear error in the log, and each goes on and ends once there is room again', async () => {
    const working = (name: string) =>
      step(name, { timeoutMs: 60_000, run: () => pause(200).then(() => ({ outcome: 'done', output: { text: name.repeat(500) } })) });
    const kind = toyKind([working('one'), working('two'), working('three')]);
    const deps = boot(kind, { db: pool, logger });
    boot(kind, { db: pool, logger });
    const started = await Promise.all(Array.from({ length: 120 }, (_, n) => start(deps, `t-${String(n % 40)}`)));
    await eventually(async () => (await pool.query(`select from step where status = 'succeeded'`)).length > 20, {
      what: 'steps to be done',
    });

    const { pid, logFile } = postgres.server();
    disk.fill(pid);
    await eventually(() => disk.says.test(readFileSync(logFile, 'utf8')), { what: 'Postgres to find it full', timeoutMs: 30_000 });
    const told = await eventually(() => lines.find(({ msg }) => /not written|could not reach its tables/.test(msg)), {
      what: 'the engine to tell of it',
    });
    expect(JSON.stringify(told)).toMatch(/No space left|could not extend|connection|ECONNREFUSED/i);
    disk.free(pid);
    // It may have gone down, as Postgres does when its own log of writes finds no room.
    await postgres.crash();

    const jobs = await Promise.all(started.map(({ jobId }) => ended(jobId, pool)));
    expect(jobs.map(({ job }) => job.status)).toEqual(jobs.map(() => 'succeeded'));
    expect(jobs.flatMap(({ steps }) => steps.filter((s) => s.status !== 'succeeded'))).toEqual([]);
    expect(await pool.query('select from lock')).toEqual([]);
    const [ends] = await pool.query<{ ends: number }>(`select count(*) as ends from log.event where type = 'job_succeeded'`);
    expect(ends).toEqual({ ends: 120 });
  }, 120_000);
});
