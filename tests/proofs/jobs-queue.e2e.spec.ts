/**
 * A long queue is served in order and at the same price as a short one. Thousands of jobs of hundreds of tenants wait, one tenant
 * with many more than the others in front; each tenant's jobs run one after the other in their order, no job is overtaken by
 * more later ones than there are places to run, and a claim reads as many rows as with a short queue and an empty archive.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrations } from '@fairlead/job-orchestrator';
import { eventually, testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { mixedTenants, overlaps, quantile, readJobs, wrongJobs } from '../e2e/support/job-record.js';
import { replicas, startSink, type Replica, type Sink } from '../e2e/support/job-replicas.js';
import { looksOf } from '../e2e/support/explain.js';
import { proof } from '../e2e/support/proof.js';
import { costOf, dayOfAJob, fillArchive, queueJobs, turnsOf } from '../e2e/support/queued-jobs.js';

const { full, figures, raw, shuffled } = proof();
const tenants = Array.from({ length: full ? 500 : 100 }, (_, n) => `t-${String(n)}`);
const perTenant = 20;
const archived = full ? 1_000_000 : 20_000;
const places = 40;
const replicaCount = 2;

let database: TestDatabase;
let bus: TestMessaging;
let sink: Sink;
const running: Replica[] = [];

beforeAll(async () => {
  [database, bus, sink] = await Promise.all([testDatabase({ service: 'job-orchestrator', migrations }), testMessaging(), startSink()]);
}, 120_000);

afterAll(async () => {
  await Promise.all(running.map((replica) => replica.kill()));
  sink.stop();
  await bus.close();
  await database.drop();
}, 60_000);

describe(`${String(tenants.length * perTenant)} queued jobs of ${String(tenants.length)} tenants`, () => {
  it(
    'are served in order, none is left behind, and claims do not slow down',
    async () => {
      const { db } = database;
      const others = tenants.slice(1);
      // Plans are made while the tables are small, and are kept.
      await queueJobs(db, tenants.slice(0, 30));
      const seen = await looksOf(database.admin, dayOfAJob);
      // Behind each job that ends there is another one, as later.
      await queueJobs(db, [...tenants, ...shuffled(tenants)]);
      const short = await costOf(db);
      // One tenant with ten times as much as the others, all of it in front.
      await queueJobs(
        db,
        Array.from({ length: 10 * perTenant }, () => tenants[0] ?? ''),
      );
      for (let round = 3; round <= perTenant; round += 1) await queueJobs(db, shuffled(others));
      await fillArchive(db, archived);
      const long = await costOf(db);

      seen.push(...(await looksOf(database.admin, dayOfAJob)));

      const start = await replicas({ database, bus, sink, leaseMs: 5_000, maxConcurrent: places });
      const begunAt = performance.now();
      running.push(...(await Promise.all(Array.from({ length: replicaCount }, start))));
      await eventually(async () => (await db.query('select from job where finished_at is null limit 1')).length === 0, {
        what: 'all jobs to end',
        timeoutMs: full ? 600_000 : 100_000,
        intervalMs: 500,
      });
      const seconds = (performance.now() - begunAt) / 1000;
      const [jobs, report, turns] = [await readJobs(db), await sink.report(), await turnsOf(db)];
      const overtaken = turns.map((turn) => turn.overtaken);
      Object.assign(figures, { jobs: jobs.length, tenants: tenants.length, archived, jobs_per_second: Math.round(jobs.length / seconds) });
      Object.assign(figures, { short_queue: short, long_queue: long, places: places * replicaCount });
      Object.assign(figures, {
        overtaken_by_later_jobs: { p50: quantile(overtaken, 0.5), p99: quantile(overtaken, 0.99), max: quantile(overtaken, 1) },
      });
      raw.push({ overtaken });

      expect(wrongJobs(jobs, report.applied)).toEqual([]);
      expect(mixedTenants(jobs, report.applied)).toEqual([]);
      expect(await overlaps(db)).toEqual([]);
      expect(quantile(overtaken, 1)).toBeLessThanOrEqual(places * replicaCount);
      // Of what a statement read, it wanted all but a few rows.
      const tables = ['job', 'step', 'lock', 'archived_job', 'last_change', 'signal', 'plan'];
      const wrong = seen.filter(
        ({ table, index, removed, disabled }) => tables.includes(table) && (index === undefined || disabled || removed > 2),
      );
      expect(wrong).toEqual([]);
      expect(seen.map(({ index }) => index)).toEqual(
        expect.arrayContaining([
          'job_ready',
          'job_resting',
          'job_owned',
          'job_pkey',
          'step_pkey',
          'lock_pkey',
          'lock_by_job',
          'archived_job_scope_idempotency_key_key',
        ]),
      );
      // By no look at a whole table, and by no more rows however many wait or have ended.
      expect([short.scanned, long.scanned]).toEqual([0, 0]);
      expect(long.fetched).toBeLessThanOrEqual(short.fetched * 1.05);
      expect(long.claim_ms).toBeLessThan(5 * short.claim_ms + 5);
    },
    full ? 900_000 : 150_000,
  );
});
