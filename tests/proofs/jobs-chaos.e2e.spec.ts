/**
 * Jobs end as they should, whatever happens to those that run them. 300 jobs are open at any time on three replicas that are
 * killed with SIGKILL and paused with SIGSTOP; some jobs fail for certain and are undone, some are cancelled. A sink that checks
 * keys and fences sees each effect once and refuses each stale one, a tenant's jobs follow one another in the order they were
 * started, and a job whose replica is gone goes on elsewhere within 1.3 leases.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FairleadError } from '@fairlead/contracts';
import { migrations } from '@fairlead/job-orchestrator';
import { eventually, testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { mixedTenants, overlaps, quantile, readJobs, readTakeovers, wrongJobs } from '../e2e/support/job-record.js';
import { replicas, startSink, type JobsClient, type Replica, type Sink } from '../e2e/support/job-replicas.js';
import { proof } from '../e2e/support/proof.js';

const { full, atLeastMs, random, figures, raw } = proof();
const durationMs = full ? atLeastMs || 300_000 : 14_000;
const leaseMs = 2_500;
const openJobs = 300;
const tenants = 180;
/** What a step takes on average: three replicas on two processors keep up with the jobs that come. */
const workMs = full ? 700 : 300;

let database: TestDatabase;
let bus: TestMessaging;
let sink: Sink;
let start: () => Promise<Replica>;
const live: Replica[] = [];

beforeAll(async () => {
  [database, bus, sink] = await Promise.all([testDatabase({ service: 'job-orchestrator', migrations }), testMessaging(), startSink()]);
  start = await replicas({ database, bus, sink, leaseMs, maxConcurrent: tenants });
  live.push(...(await Promise.all([start(), start(), start()])));
}, 120_000);

afterAll(async () => {
  await Promise.all(live.map((replica) => replica.kill()));
  sink.stop();
  await bus.close();
  await database.drop();
}, 60_000);

const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

/** Calls a replica, and another one when that is away, until one answers. */
async function ask<T>(call: (client: JobsClient) => Promise<T>): Promise<T> {
  return eventually(
    async () => {
      try {
        return { answer: await call(pick(live).client) };
      } catch (error) {
        if (error instanceof FairleadError && ['unavailable', 'deadline_exceeded'].includes(error.kind)) return false;
        return { error };
      }
    },
    { what: 'a replica that answers', timeoutMs: 60_000 },
  ).then((result) => ('error' in result ? Promise.reject(result.error as Error) : result.answer));
}

const callOptions = { deadlineMs: 3_000 };

/** Starts one job, and asks for one in twelve to be cancelled at some time; the same key each time it is repeated. */
async function startOne(number: number, started: Map<string, string>): Promise<void> {
  const params = {
    tenant: `t-${String(Math.floor(random() * tenants))}`,
    way: pick(['works', 'works', 'works', 'flaky', 'fails'] as const),
    work_ms: Math.round(random() * 2 * workMs),
    rude: random() < 0.5,
  };
  const cancelAfterMs = random() < 1 / 12 ? random() * 6 * workMs : undefined;
  const idempotencyKey = `chaos-${String(number)}`;
  const { plan } = await ask((client) => client.createPlan({ kind: 'toy', params, reason: 'chaos', idempotencyKey }, callOptions));
  const request = { kind: 'toy', planDigest: plan?.digest ?? '', reason: 'chaos', idempotencyKey, onConflict: 'queue' };
  const { jobId } = await ask((client) => client.startJob(request, callOptions));
  started.set(idempotencyKey, jobId);
  if (cancelAfterMs === undefined) return;
  await pause(cancelAfterMs);
  await ask((client) => client.cancelJob({ jobId, reason: 'chaos' }, callOptions)).catch((error: unknown) => {
    if (!(error instanceof FairleadError && ['job_finished', 'cancel_too_late'].includes(error.code))) throw error;
  });
}

/** Keeps so many jobs open until told to stop; answers the jobs by their keys. */
async function keepOpen(on: { now: boolean }): Promise<Map<string, string>> {
  const started = new Map<string, string>();
  const starting = new Set<Promise<void>>();
  for (let number = 0; on.now;) {
    const [row] = await database.db.query<{ open: number }>('select count(*) as open from job where finished_at is null');
    const missing = Math.min(40, openJobs - (row?.open ?? 0));
    const begun = Array.from({ length: Math.max(0, missing) }, () => startOne((number += 1), started));
    for (const one of begun) {
      const entry = one.finally(() => starting.delete(entry));
      starting.add(entry);
    }
    // At least all of them are asked for before the next look.
    await Promise.all([pause(100), eventually(() => started.size >= number, { what: 'jobs to be started', timeoutMs: 90_000 })]);
  }
  await Promise.all(starting);
  return started;
}

interface Blow {
  readonly pid: number;
  readonly atMs: number;
  readonly how: 'killed' | 'paused';
}

/** Kills a replica, or pauses one, every now and then; one that is killed is started again at once. */
async function strike(on: { now: boolean }): Promise<Blow[]> {
  const blows: Blow[] = [];
  // Both come in the short form too.
  const ways: Blow['how'][] = ['killed', 'paused'];
  const paused = new Set<Promise<unknown>>();
  while (on.now) {
    await pause(1_500 + random() * 3_500);
    const victim = pick(live);
    const how = ways[blows.length] ?? (random() < 0.65 ? 'killed' : 'paused');
    const blow = { pid: victim.pid, atMs: Date.now(), how };
    blows.push(blow);
    if (blow.how === 'killed') {
      live.splice(live.indexOf(victim), 1);
      await victim.kill();
      live.push(await start());
    } else {
      // Shorter than its lease or longer; others may be killed meanwhile.
      victim.signal('SIGSTOP');
      const forMs = (0.3 + random() * 2) * leaseMs;
      const resumed = pause(forMs).then(() => {
        victim.signal('SIGCONT');
        paused.delete(resumed);
      });
      paused.add(resumed);
    }
  }
  await Promise.all(paused);
  return blows;
}

/** Adds up a counter of all replicas there ever were, as far as it was seen: what one had counted when it was killed is lost since the last look. */
async function countFenced(on: { now: boolean }): Promise<{ fenced: number; lost: number }> {
  const seen = new Map<number, { fenced: number; lost: number }>();
  do {
    await pause(500);
    for (const replica of [...live]) {
      const values = Promise.all([replica.metric('fairlead_job_fenced_writes_total'), replica.metric('fairlead_jobs_lost_total')]);
      await values.then(([fenced, lost]) => seen.set(replica.pid, { fenced, lost })).catch(() => undefined);
    }
  } while (on.now);
  const sum = (key: 'fenced' | 'lost') => [...seen.values()].reduce((total, values) => total + values[key], 0);
  return { fenced: sum('fenced'), lost: sum('lost') };
}

describe(`${String(openJobs)} open jobs on three replicas that are killed and paused`, () => {
  it(
    'end as they should, with each effect once and in order, soon after their replica is gone',
    async () => {
      const on = { now: true };
      const counting = { now: true };
      const [opening, striking, fencing] = [keepOpen(on), strike(on), countFenced(counting)];
      // A failure of one of them ends the run at once.
      await Promise.race([pause(durationMs), opening, striking]);
      on.now = false;
      const [started, blows] = await Promise.all([opening, striking]);
      await eventually(async () => (await database.db.query('select from job where finished_at is null limit 1')).length === 0, {
        what: 'all jobs to end',
        timeoutMs: 90_000,
        intervalMs: 200,
      });
      counting.now = false;
      const { fenced, lost } = await fencing;

      const [jobs, report, takeovers] = [await readJobs(database.db), await sink.report(), await readTakeovers(database.db, leaseMs)];
      const killedAt = new Map(blows.filter(({ how }) => how === 'killed').map(({ pid, atMs }) => [pid, atMs]));
      const afterLease = takeovers.map(({ at_ms, lease_until_ms }) => at_ms - lease_until_ms);
      const afterKill = takeovers.flatMap(({ pid, at_ms }) => (killedAt.has(pid) ? [at_ms - (killedAt.get(pid) ?? 0)] : []));
      const count = (status: string) => jobs.filter((job) => job.status === status).length;
      const kills = killedAt.size;
      Object.assign(figures, { jobs: jobs.length, succeeded: count('succeeded'), failed: count('failed'), cancelled: count('cancelled') });
      Object.assign(figures, { lease_ms: leaseMs, kills, pauses: blows.length - kills, takeovers: takeovers.length });
      Object.assign(figures, { fenced_writes: fenced, jobs_lost_by_paused_replicas: lost, effects: report.applied.length });
      Object.assign(figures, { effects_repeated: report.repeated, stale_effects_refused: report.refused.length });
      Object.assign(figures, {
        kill_to_next_claim_ms: { p50: quantile(afterKill, 0.5), p99: quantile(afterKill, 0.99), max: quantile(afterKill, 1) },
        lease_end_to_next_claim_ms: { p50: quantile(afterLease, 0.5), p99: quantile(afterLease, 0.99), max: quantile(afterLease, 1) },
      });
      raw.push({ blows, takeovers, refused: report.refused });

      expect(Object.fromEntries(jobs.map((job) => [job.idempotency_key, job.job_id]))).toEqual(Object.fromEntries(started));
      expect(wrongJobs(jobs, report.applied)).toEqual([]);
      expect(mixedTenants(jobs, report.applied)).toEqual([]);
      expect(await overlaps(database.db)).toEqual([]);
      expect(quantile(afterKill, 0.99)).toBeLessThanOrEqual(1.3 * leaseMs);
      expect(quantile(afterLease, 0.99)).toBeLessThanOrEqual(1.3 * leaseMs);
      // Without these nothing could have gone wrong.
      for (const status of ['succeeded', 'failed', 'cancelled']) expect(count(status)).toBeGreaterThan(0);
      expect(killedAt.size).toBeGreaterThan(0);
      expect(afterKill.length).toBeGreaterThan(0);
      expect(report.repeated).toBeGreaterThan(0);
      if (full) expect(report.refused.length).toBeGreaterThan(0);
    },
    durationMs + 240_000,
  );
});
