/**
 * Jobs over random resources, made, claimed and ended by two processes at once, each of which writes much of it together: nobody waits in a
 * circle, every job is served and told of once, nobody has a resource that another one has, and on each resource jobs come in the order they
 * were started.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newId, type EventBody } from '@fairlead/contracts';
import { prepareCommand } from '@fairlead/event-log';
import { openDatabase, schemaOf, sqlState, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { jobEvent } from '../engine/events.js';
import { createWriter, type Writer } from '../engine/writer.js';
import type { Claim } from './claim.js';
import { claimOfNew, type NewJob } from './insert.js';
import { stateOf } from './jobs.js';
import { holdLinesOf, leaveLines } from './lines.js';
import { migrations } from './migrations/index.js';
import { registerReplica } from './replica.js';
import type { Transition } from './transition.js';

let database: TestDatabase;
let pool: Database;
/** Of each process. */
let writers: Writer[];
const planId = newId('plan');
const kinds = ['toy:1'];
const noPlan = { actions: [], checks: [], impact: { tenants: [], services: [], expectedPauseMs: 0 }, inputs: [] };

beforeAll(async () => {
  database = await testDatabase({ service: 'job-orchestrator', migrations });
  pool = await openDatabase({
    ...{ url: database.url, password: database.password, schema: schemaOf('job-orchestrator') },
    ...{ poolSize: 16, applicationName: 'test-lines', logger: createLogger({ service: 'test', level: 'silent' }) },
  });
  writers = [createWriter(pool), createWriter(pool)];
  await pool.query(
    `insert into plan (plan_id, kind, version, digest, canonical, body, reason, created_by, expires_at, request_id, correlation_id, trace_id)
       values ($1, 'toy', 1, '', '', '{}', '', '', now() + interval '1 day', '', '', '')`,
    [planId],
  );
}, 60_000);

afterAll(async () => {
  await pool.close();
  await database.drop();
});

interface Wanted {
  /** Resources by their numbers. */
  readonly locks: readonly number[];
  readonly mayWait: boolean;
  /** Claimed when it is made, if nothing is in its way. */
  readonly atOnce: boolean;
  /** What becomes of it, when it can: cancelled at some time by somebody else, given up once before it ends, or neither. */
  readonly fate: 'ends' | 'cancelled' | 'rests';
}

const wanted = fc.record({
  locks: fc.uniqueArray(fc.nat(7), { minLength: 0, maxLength: 4 }),
  mayWait: fc.boolean(),
  atOnce: fc.boolean(),
  fate: fc.constantFrom('ends' as const, 'ends' as const, 'cancelled' as const, 'rests' as const),
});
/** What several connections start, each in calls of one or more jobs at once. */
const histories = fc.record({
  starters: fc.array(fc.array(fc.array(wanted, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 }), {
    minLength: 1,
    maxLength: 4,
  }),
  workers: fc.integer({ min: 1, max: 4 }),
  most: fc.integer({ min: 1, max: 8 }),
});

/** A replica, and the claims that it got with jobs that were made. */
interface Worker {
  readonly replicaId: string;
  readonly inbox: Claim[];
}

async function newWorker(): Promise<Worker> {
  const replicaId = newId('replica');
  await registerReplica(pool, { replicaId, host: '', pid: 1, kinds, leaseMs: 60_000 });
  return { replicaId, inbox: [] };
}

interface Seen {
  readonly fates: Map<string, Wanted['fate']>;
  /** Jobs in the order they were made on each resource, as far as their calls returned one after the other. */
  readonly made: Set<string>;
  refused: number;
  atOnce: number;
}

function newJob(run: string, { locks, mayWait, atOnce }: Wanted, { replicaId }: Worker): NewJob {
  const jobId = newId('job');
  return {
    ...{ job_id: jobId, kind: 'toy', version: 1, params: {}, plan_id: planId, plan_digest: '', reason: '' },
    ...{ principal: { id: 'user:usr_ann', name: 'ann', grants: [] }, scope: run, idempotency_key: jobId, payload_hash: '' },
    ...{ locks: locks.map((n) => `${run}/${String(n)}`).sort(), deadline_ms: 60_000, request_id: '', correlation_id: '' },
    ...{ traceparent: '', steps: ['one'], may_wait: mayWait, claimer: atOnce ? replicaId : undefined },
  };
}

const told = (jobId: string, body: EventBody<'job'>) => prepareCommand({ events: [jobEvent({ jobId, tenantId: undefined }, body)] });
const queued = { kind: 'toy', plan_id: planId, plan_digest: '', params: {}, locks: [], steps: [] };

interface Run {
  readonly name: string;
  readonly seen: Seen;
  readonly turns: string[];
  readonly on: { now: boolean };
}

async function startThem(writer: Writer, worker: Worker, calls: readonly (readonly Wanted[])[], { name, seen, turns }: Run): Promise<void> {
  for (const call of calls) {
    const jobs = call.map((one) => newJob(name, one, worker));
    jobs.forEach((job, index) => seen.fates.set(job.job_id, call[index]?.fate ?? 'ends'));
    const outcomes = await Promise.all(jobs.map((job) => writer.start(job, told(job.job_id, { type: 'job_queued', payload: queued }))));
    jobs.forEach((job, index) => {
      const made = outcomes[index];
      if (made?.outcome === 'made') seen.made.add(job.job_id);
      else seen.refused += 1;
      const claim = made === undefined ? undefined : claimOfNew(made, job, noPlan);
      if (claim === undefined) return;
      seen.atOnce += 1;
      turns.push(`begun ${job.job_id}`);
      worker.inbox.push(claim);
    });
    for (const [index, { outcome }] of outcomes.entries())
      if (outcome === 'made' && call[index]?.fate === 'cancelled') await cancelQueued(jobs[index]?.job_id ?? '');
  }
}

/** As a cancel ends a job that waits; one that was claimed before goes on. */
async function cancelQueued(jobId: string): Promise<void> {
  await pool.transaction(async (tx) => {
    await holdLinesOf(tx, jobId);
    const [job] = await tx.query<{ status: string }>('select status from job where job_id = $1 for update', [jobId]);
    if (job?.status !== 'queued') return;
    await tx.query(`update job set status = 'cancelled', finished_at = now() where job_id = $1`, [jobId]);
    await leaveLines(tx, jobId);
  });
}

/** Claims jobs and ends them, several with one call, until nothing is open and nobody starts any more; tells of both in `turns`. */
async function work(writer: Writer, { replicaId, inbox }: Worker, most: number, { seen, turns, on }: Run): Promise<void> {
  for (;;) {
    const last = !on.now;
    const given = inbox.splice(0);
    const found = await writer.claim({ replica: replicaId, kinds, most });
    const claims = [...given, ...found];
    if (claims.length === 0) {
      if (last && (await pool.query('select from job where finished_at is null limit 1')).length === 0) return;
      await new Promise(setImmediate);
      continue;
    }
    // Nobody else is at work on what they have: each row says whose it is, and they are looked at in one moment.
    const holders = await pool.query<{ resource: string; jobs: string[] }>(
      `select r.resource, array_agg(j.job_id) as jobs from job j, unnest(j.locks) r(resource)
         where j.finished_at is null and j.started_at is not null group by r.resource having count(*) > 1`,
    );
    expect(holders).toEqual([]);
    const transitions = claims.map(({ jobId, how, loaded }): Transition => {
      if (how === 'started' && !turns.includes(`begun ${jobId}`)) turns.push(`begun ${jobId}`);
      if (loaded === undefined) throw new Error('a claim brings its job');
      const state = stateOf(loaded);
      const rests = seen.fates.get(jobId) === 'rests' && how === 'started';
      return {
        ...{
          jobId,
          owner: replicaId,
          fence: loaded.job.fence,
          state,
          written: state.steps,
          heedsCancel: false,
          passes: false,
          touches: true,
          release: true,
          pauses: false,
        },
        ...(rests ? { status: 'waiting', rest: { ms: 1 }, finished: false } : { status: 'succeeded', finished: true }),
      };
    });
    // Told before it is written: who begins behind it can't be told of earlier.
    for (const { jobId, finished } of transitions) if (finished) turns.push(`ends ${jobId}`);
    const written = await Promise.all(
      transitions.map((transition) =>
        writer.transition({
          transition,
          commands: [told(transition.jobId, { type: transition.finished ? 'job_succeeded' : 'job_paused', payload: {} })],
        }),
      ),
    );
    expect(written.map(({ answer }) => answer?.written)).toEqual(claims.map(() => true));
  }
}

const process = (n: number): Writer => writers[n % writers.length] ?? createWriter(pool);

it('serves all jobs, one at a time on each resource, in the order they were started', async () => {
  let [number, atOnce] = [0, 0];
  await fc.assert(
    fc.asyncProperty(histories, async ({ starters, workers, most }) => {
      const run = `run-${String((number += 1))}`;
      const seen: Seen = { fates: new Map(), made: new Set(), refused: 0, atOnce: 0 };
      const turns: string[] = [];
      const on = { now: true };
      const all = { name: run, seen, turns, on };
      const team = await Promise.all(Array.from({ length: workers }, newWorker));
      const working = team.map((worker, n) => work(process(n), worker, most, all));
      const starting = Promise.all(starters.map((calls, n) => startThem(process(n), team[n % team.length] as Worker, calls, all))).finally(
        () => {
          on.now = false;
        },
      );
      const outcomes = await Promise.allSettled([starting, ...working]);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') throw new Error(`SQLSTATE ${sqlState(outcome.reason) ?? 'none'}`, { cause: outcome.reason });

      const jobs = await pool.query<{
        job_id: string;
        seq: number;
        status: string;
        locks: string[];
        started_at: Date | null;
        blocked: number;
      }>('select job_id, seq, status, locks, started_at, blocked from job where scope = $1 order by seq', [run]);
      expect(new Set(jobs.map((job) => job.job_id))).toEqual(seen.made);
      expect(jobs.filter((job) => !['succeeded', 'cancelled'].includes(job.status))).toEqual([]);
      expect(jobs.filter((job) => job.status === 'cancelled' && seen.fates.get(job.job_id) !== 'cancelled')).toEqual([]);
      expect(await pool.query('select from lock')).toEqual([]);
      // Those that began: on each resource in the order of their numbers. Not by their times, which are those of transactions' beginnings.
      const at = (what: string, jobId: string) => turns.indexOf(`${what} ${jobId}`);
      const early = jobs.filter((job) =>
        jobs.some(
          (front) =>
            front.seq < job.seq &&
            [front, job].every(({ started_at }) => started_at !== null) &&
            front.locks.some((resource) => job.locks.includes(resource)) &&
            at('ends', front.job_id) > at('begun', job.job_id),
        ),
      );
      expect(early).toEqual([]);
      expect(new Set(turns).size).toBe(turns.length);
      atOnce += seen.atOnce;
      // The log was told of each job that was made, and of each end, once; of no other.
      const count = (type: string) =>
        `select aggregate_id as job_id from log.event where type = '${type}' and aggregate_id = any($1) order by 1`;
      const asked = [[...seen.fates.keys()]];
      const ids = (rows: readonly { job_id: string }[]) => rows.map((row) => row.job_id);
      expect(ids(await pool.query(count('job_queued'), asked))).toEqual([...seen.made].sort());
      expect(ids(await pool.query(count('job_succeeded'), asked))).toEqual(ids(jobs.filter((job) => job.status === 'succeeded')).sort());
    }),
    { numRuns: 60 },
  );
  expect(atOnce).toBeGreaterThan(0);
}, 120_000);
