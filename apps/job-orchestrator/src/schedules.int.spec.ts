import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FairleadError } from '@fairlead/contracts';
import { readLog } from '@fairlead/event-log';
import { newContext, runInContext } from '@fairlead/telemetry';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { ann, boot, caller, db, ended, logger } from './engine/bench.fixture.js';
import { startLoops } from './engine/loops.js';
import { step, toyKind, world } from './engine/toy.fixture.js';
import { schedulesLoop } from './loops/schedules.js';
import { createSchedule, pause, remove, resume, type ScheduleRequest } from './schedules.js';
import type { JobDependencies } from './start-job.js';
import { listJobs } from './store/jobs.js';
import { listSchedules } from './store/schedules.js';

/** Takes what is given unless a spec closes it. */
let refusal: Error | undefined;
const auditGate = { check: () => (refusal === undefined ? Promise.resolve() : Promise.reject(refusal)) };
let clocks: { stop(): Promise<void> }[];
let deps: JobDependencies;

beforeEach(async () => {
  clocks = [];
  refusal = undefined;
  await db.query('delete from schedule');
});
afterEach(async () => {
  await Promise.all(clocks.map((clock) => clock.stop()));
});

const as = <T>(work: () => Promise<T>) => runInContext(newContext({ principal: ann.id }), work);
const make = (name: string, change: Partial<ScheduleRequest> = {}) =>
  as(() =>
    createSchedule(
      deps,
      {
        name,
        kind: 'toy',
        params: { tenant: name },
        cron: '0 3 * * *',
        timeZone: 'Europe/Berlin',
        missed: 'once',
        reason: 'every night',
        ...change,
      },
      caller(),
      async (work) => (await db.transaction(work)).row,
    ),
  );
const due = (name: string, ago = '0 s') =>
  db.query(`update schedule set next_at = date_trunc('milliseconds', now() - $2::interval) where name = $1`, [name, ago]);
const jobsOf = (tenant: string) => listJobs(db, { tenantId: tenant, limit: 50 });
const told = async (name: string) =>
  (await readLog(db, { after: 0, limit: 1_000, aggregateType: 'schedule' }))
    .filter(({ payload }) => payload['name'] === name)
    .map(({ type }) => type);

function startClock(gate = auditGate): void {
  const kind = {
    ...schedulesLoop({ db, logger, jobs: deps, auditGate: gate, settings: { archiveAfterMs: 1, keepArchivedMs: 1 } }),
    intervalMs: 50,
  };
  const metrics = { checked: () => undefined, lag: () => undefined };
  clocks.push(startLoops({ db, kinds: [kind], logger, metrics, onAppended: () => undefined, pollMs: 20 }));
}

describe('a schedule', () => {
  it('waits with its turn while the audit chain is too far behind', async () => {
    deps = boot(toyKind([step('one')]));
    await make('held');
    refusal = new FairleadError('audit_unavailable', 'the audit chain is behind');
    let asked = 0;
    const counted = { check: () => ((asked += 1), auditGate.check()) };
    startClock(counted);
    await due('held');
    await eventually(() => asked > 1, { what: 'the gate to be asked again' });
    expect(await jobsOf('held')).toEqual([]);
    expect(await told('held')).toEqual(['schedule_created']);
    refusal = undefined;
    await eventually(async () => (await jobsOf('held')).length > 0, { what: 'its job' });
  });

  it('starts a job when its turn comes, once, whoever looks, and goes on to the next turn', async () => {
    deps = boot(toyKind([step('one')]));
    await make('nightly');
    for (let replica = 0; replica < 3; replica += 1) startClock();
    await due('nightly');
    const [loaded] = await eventually(
      async () => {
        const jobs = await jobsOf('nightly');
        return jobs.length > 0 ? jobs : undefined;
      },
      { what: 'a job' },
    );
    expect((await ended(loaded?.job.job_id ?? '')).job).toMatchObject({
      status: 'succeeded',
      reason: 'every night',
      principal: { id: ann.id },
    });
    await eventuallyHolds(
      async () => {
        const [row] = await listSchedules(db);
        expect(row).toMatchObject({ last_job_id: loaded?.job.job_id, last_error: null });
        expect(row?.next_at?.getTime()).toBeGreaterThan(Date.now());
      },
      { what: 'the next turn' },
    );
    await due('nightly');
    await eventuallyHolds(
      async () => {
        expect(await jobsOf('nightly')).toHaveLength(2);
      },
      { what: 'the next job' },
    );
    // The job is there before the turn is told of.
    await eventuallyHolds(
      async () => {
        expect(await told('nightly')).toEqual(['schedule_created', 'schedule_fired', 'schedule_fired']);
      },
      { what: 'both turns to be told' },
    );
    // Found under one id with its job, and as the service's own doing.
    const events = await readLog(db, { after: 0, limit: 1_000, aggregateType: 'schedule' });
    expect(events.find(({ payload }) => payload['job_id'] === loaded?.job.job_id)?.meta).toMatchObject({
      principal: 'service:job-orchestrator',
      correlation_id: loaded?.job.correlation_id,
    });
  });

  it('finds its job again when it was started, and no more was written', async () => {
    deps = boot(toyKind([step('one')]));
    await make('again');
    await due('again');
    const [before] = await listSchedules(db);
    startClock();
    await eventuallyHolds(
      async () => {
        expect(await jobsOf('again')).toHaveLength(1);
      },
      { what: 'the job' },
    );
    await eventually(async () => (await told('again')).includes('schedule_fired'), { what: 'the turn to be told' });
    // As after a crash between the two; the world has moved on, so that the plan is another one.
    world.revision += 1;
    await db.query(`update schedule set next_at = $1`, [before?.next_at]);
    await eventually(async () => (await told('again')).filter((type) => type === 'schedule_fired').length === 2, {
      what: 'the turn to be taken again',
    });
    expect(await jobsOf('again')).toHaveLength(1);
  });

  it.each([
    ['once', 1],
    ['skip', 0],
  ] as const)('makes up for turns that were missed: %s', async (missed, jobs) => {
    deps = boot(toyKind([step('one')]));
    const name = `missed-${missed}`;
    await make(name, { cron: '*/10 * * * *', missed });
    await due(name, '65 minutes');
    startClock();
    await eventually(async () => (await told(name)).includes('schedule_missed'), { what: 'what was missed to be told' });
    expect(await jobsOf(name)).toHaveLength(jobs);
    const events = await readLog(db, { after: 0, limit: 1_000, aggregateType: 'schedule' });
    const turns = events.find(({ type, payload }) => type === 'schedule_missed' && payload['name'] === name)?.payload['turns'];
    // The one that was due, and six or seven full tens of minutes since.
    expect([7, 8]).toContain(Number(turns) + jobs);
  });

  it('tells why a turn could not be taken, and goes on', async () => {
    const blocked = { name: 'never', verdict: 'block', value: '', limit: '', message: 'not tonight' } as const;
    deps = boot(
      toyKind([step('one')], {
        plan: () => ({ actions: [], checks: [blocked], impact: { tenants: [], services: [], expectedPauseMs: 0 }, inputs: [] }),
      }),
    );
    await make('blocked');
    await due('blocked');
    startClock();
    await eventually(async () => (await told('blocked')).includes('schedule_failed'), { what: 'the refusal' });
    expect(await listSchedules(db)).toMatchObject([{ last_error: { code: 'plan_blocked' }, last_job_id: null }]);
  });

  it('rests while it is paused, and makes up for nothing then', async () => {
    deps = boot(toyKind([step('one')]));
    await make('resting', { cron: '*/5 * * * *' });
    await as(() => pause(deps, { schedule: 'resting', reason: 'not now' }, caller()));
    await as(() => pause(deps, { schedule: 'resting', reason: 'not now' }, caller()));
    await due('resting', '20 minutes');
    await make('witness');
    startClock();
    await due('witness');
    await eventuallyHolds(
      async () => {
        expect(await jobsOf('witness')).toHaveLength(1);
      },
      { what: 'another schedule’s job' },
    );
    expect(await jobsOf('resting')).toEqual([]);
    await as(() => resume(deps, { schedule: 'resting', reason: 'now' }, caller()));
    expect((await listSchedules(db)).find(({ name }) => name === 'resting')?.next_at?.getTime()).toBeGreaterThan(Date.now());
    await as(() => remove(deps, { schedule: 'resting', reason: 'no more' }, caller()));
    expect(await told('resting')).toEqual(['schedule_created', 'schedule_paused', 'schedule_resumed', 'schedule_deleted']);
    await expect(as(() => remove(deps, { schedule: 'resting', reason: 'no more' }, caller()))).rejects.toMatchObject({
      code: 'schedule_not_found',
    });
  });

  it.each([
    ['a name that is none', { name: 'Nightly Run' }, 'invalid_argument'],
    ['no cron expression', { cron: 'at noon' }, 'invalid_argument'],
    ['six parts', { cron: '0 0 3 * * *' }, 'invalid_argument'],
    ['a day that never comes', { cron: '0 0 31 2 *' }, 'invalid_argument'],
    ['an unknown time zone', { timeZone: 'Mars/Olympus' }, 'invalid_argument'],
    ['an unknown kind', { kind: 'nothing' }, 'invalid_argument'],
    ['parameters that the kind does not take', { params: { tenant: 7 } }, 'invalid_argument'],
    ['no reason', { reason: ' ' }, 'invalid_argument'],
  ])('is refused with %s', async (_, change, code) => {
    deps = boot(toyKind([step('one')]), { engine: false });
    await expect(make('bad', change)).rejects.toMatchObject({ code });
    expect(await listSchedules(db)).toEqual([]);
  });

  it('has a name of its own, and is nothing for kinds that need a second person', async () => {
    deps = boot(toyKind([step('one')]), { engine: false });
    await make('taken');
    await expect(make('taken')).rejects.toMatchObject({ code: 'already_exists' });
    deps = { ...deps, approvalKinds: new Set(['toy']) };
    await expect(make('second')).rejects.toMatchObject({ code: 'approval_required' });
  });
});
