/** The engine while Postgres fails it: killed in the middle of claims and transitions, too few connections. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { openDatabase, schemaOf, type Database } from '@fairlead/postgres';
import { eventually, testFolder } from '@fairlead/testing';
import { boot, database, ended, start } from './bench.fixture.js';
import { keptLog, ownPostgres, type OwnPostgres } from './faults.fixture.js';
import { step, toyKind } from './toy.fixture.js';

/** Steps that take a while; counts their runs by key. */
function countingKind(workMs: number) {
  const runs = new Map<string, number>();
  const counting = (name: string) =>
    step(name, {
      timeoutMs: 60_000,
      run: async ({ idempotencyKey }) => {
        runs.set(idempotencyKey, (runs.get(idempotencyKey) ?? 0) + 1);
        await pause(workMs);
        return { outcome: 'done' };
      },
    });
  return { kind: toyKind([counting('one'), counting('two'), counting('three')]), runs };
}

describe('when Postgres is killed and started again', () => {
  let postgres: OwnPostgres;
  let pool: Database;
  const { logger, lines } = keptLog();

  beforeAll(async () => {
    postgres = await ownPostgres(testFolder('postgres'));
    pool = await postgres.open({ poolSize: 6, logger });
  }, 60_000);

  afterAll(async () => {
    await pool.close();
    await postgres.stop();
  }, 60_000);

  it('each job goes on from its last commit, none is lost or stuck, and the log says what happened', async () => {
    const { kind, runs } = countingKind(250);
    const deps = boot(kind, { db: pool, logger, maxConcurrent: 10 });
    boot(kind, { db: pool, logger, maxConcurrent: 10 });
    const started = await Promise.all(Array.from({ length: 80 }, (_, n) => start(deps, `t-${String(n % 20)}`)));
    const done = () => pool.query(`select from step where status = 'succeeded'`).then((rows) => rows.length);
    for (let round = 1; round <= 3; round += 1) {
      const before = await done();
      await eventually(async () => (await done()) > before + 20, { what: 'steps to be done' });
      await postgres.crash();
    }
    const jobs = await Promise.all(started.map(({ jobId }) => ended(jobId, pool)));
    expect(jobs.map(({ job }) => job.status)).toEqual(jobs.map(() => 'succeeded'));
    // Each run that began was written before it began; a run whose outcome was lost came again under its key.
    expect(jobs.flatMap(({ job, steps }) => steps.filter((s) => s.attempts < (runs.get(`${job.job_id}:${s.name}`) ?? 0)))).toEqual([]);
    expect([...runs.values()].some((count) => count > 1)).toBe(true);
    expect(await pool.query('select from lock')).toEqual([]);
    const [told] = await pool.query<{ ends: number; jobs: number }>(
      `select count(*) as ends, count(distinct aggregate_id) as jobs from log.event where type = 'job_succeeded'`,
    );
    expect(told).toEqual({ ends: 80, jobs: 80 });
    expect(lines.map(({ msg }) => msg)).toContain('the job engine could not reach its tables; trying again');
    // Nothing else went wrong than that it was away.
    expect(lines.filter(({ level }) => level === 'error').map(({ msg, err }) => [msg, err])).toEqual([]);
  }, 90_000);
});

describe('with two connections for many jobs', () => {
  it('every job ends, and starting others goes on meanwhile', async () => {
    const { logger, lines } = keptLog();
    const url = { url: database.url, password: database.password, schema: schemaOf('job-orchestrator') };
    const pool = await openDatabase({ ...url, poolSize: 2, applicationName: 'test-two', logger });
    try {
      const { kind } = countingKind(5);
      const deps = boot(kind, { db: pool, logger, maxConcurrent: 200 });
      // Each start takes a connection too, all at once.
      const started = await Promise.all(Array.from({ length: 200 }, (_, n) => start(deps, `two-${String(n % 80)}`)));
      const jobs = await Promise.all(started.map(({ jobId }) => ended(jobId)));
      expect(jobs.map(({ job }) => job.status)).toEqual(jobs.map(() => 'succeeded'));
      expect(lines).toEqual([]);
    } finally {
      await pool.close();
    }
  }, 60_000);
});
