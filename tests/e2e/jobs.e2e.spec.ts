/** What can be done with jobs beside starting them: pausing, approving, moving many tenants, schedules; on the whole stack. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import type { Database } from '@fairlead/postgres';
import { eventually, eventuallyHolds, testFolder } from '@fairlead/testing';
import { Operator, type Job } from './support/operator.js';
import { openStackDatabase } from './support/stack-database.js';

/** Longer than a drain takes on a machine that is busy; a tenant whose work never ends is given up after it. */
const drainTimeoutMs = 6_000;

let stack: Stack;
let ann: Operator;
let bob: Operator;
let db: Database;

beforeAll(async () => {
  stack = await startStack({
    stateDir: testFolder('stack'),
    port: 0,
    separate: false,
    sim: true,
    log: () => undefined,
    env: {
      JOB_APPROVAL_KINDS: 'tenant-drain',
      DRAIN_TIMEOUT_MS: String(drainTimeoutMs),
      MIGRATE_MAX_PAUSED: '4',
      SIM_SHARDS: '3',
    },
  });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const account = { email: 'bob@example.test', password: randomUUID() };
  await ann.post('/admin/v1/users', { ...account, roles: ['operator'] });
  bob = await Operator.login(stack.url, stack.simUrl, account);
  db = await openStackDatabase(stack.stateDir, 'job-orchestrator', { applicationName: 'test-jobs', poolSize: 2 });
}, 180_000);

afterAll(async () => {
  await db.close();
  await stack.stop();
}, 60_000);

const reason = 'as the test wants it';

/** Tenants on a runner shard. */
async function tenantsOn(shard: string): Promise<string[]> {
  const { body } = await ann.get<{ items: { tenant_id: string }[] }>(`/admin/v1/tenants?limit=200&kind=runner&shard_id=${shard}`);
  return body.items.map((tenant) => tenant.tenant_id);
}

async function runnerOf(tenant: string): Promise<string> {
  return (await ann.placementOf(tenant))['runner'] ?? '';
}

/** Plans a change and starts its job; answers the job's id. */
async function begin(kind: string, params: Record<string, unknown>): Promise<string> {
  const plan = await ann.post<{ digest: string }>(`/admin/v1/plan/${kind}`, { ...params, reason });
  expect([plan.status, plan.body]).toEqual([201, expect.objectContaining({ kind })]);
  const started = await startOf(kind, plan.body.digest);
  expect([started.status, started.body]).toEqual([202, { job_id: expect.any(String) }]);
  return started.body.job_id;
}

function startOf(kind: string, plan: string, who = ann) {
  return who.post<{ job_id: string }>(`/admin/v1/jobs/${kind}`, { plan_digest: plan, reason }, { 'idempotency-key': randomUUID() });
}

function until(what: string, jobId: string, check: (job: Job) => boolean): Promise<Job> {
  return eventually(
    async () => {
      const job = await ann.job(jobId);
      if (!check(job)) throw new Error(`${job.status}: ${JSON.stringify(job)}`);
      return job;
    },
    { timeoutMs: 30_000, intervalMs: 50, what: `job ${jobId} ${what}` },
  );
}

const stepOf = (job: Job, name: string) => job.steps.find((step) => step.name === name);

async function childrenOf(jobId: string): Promise<Job[]> {
  return (await ann.get<{ items: Job[] }>(`/admin/v1/jobs?parent=${jobId}&limit=200`)).body.items;
}

interface Progress {
  total: number;
  succeeded: number;
  running: number;
}

/** The types of a job's events, in order, and how far its step told that it was. */
async function toldOf(jobId: string): Promise<{ types: string[]; progress: Progress[] }> {
  const { body } = await ann.get<{ items: { type: string; payload: Record<string, unknown> }[] }>(
    `/admin/v1/log/events?aggregate=job:${jobId}&limit=200`,
  );
  const events = body.items.toReversed();
  const progress = events.filter(({ type }) => type === 'step_progressed').map(({ payload }) => payload['output'] as Progress);
  return { types: events.map(({ type }) => type), progress };
}

describe('a migration', () => {
  it('is paused in the middle, keeps its lock for which others wait, and goes on', async () => {
    const [tenant = ''] = await tenantsOn('runner-1');
    await ann.turn('runner', 'runner-1', { stuck: true });
    const jobId = await ann.migrate(tenant, { runner: 'runner-2' });
    await ann.stepReaches(jobId, 'drain', 'succeeded');
    const waiterId = await begin('tenant-resume', { tenant });
    const asked = await ann.post<Job>(`/admin/v1/jobs/${jobId}/pause`, { reason });
    expect(asked).toMatchObject({ status: 202, body: { pause_requested: true } });
    const paused = await until('to be paused', jobId, (job) => job.paused_at !== null);
    expect([paused.status, paused.paused_by]).toEqual(['waiting', paused.principal]);
    await ann.turn('runner', 'runner-1', { stuck: false });

    // For longer than the step may take: its clock stands still, and it begins nothing.
    const since = Date.now();
    const attempts = stepOf(paused, 'wait-drained')?.attempts;
    await eventuallyHolds(
      async () => {
        const job = await ann.job(jobId);
        expect([job.status, stepOf(job, 'wait-drained')]).toMatchObject(['waiting', { status: 'waiting', attempts }]);
        if (Date.now() - since < drainTimeoutMs + 1_000) throw new Error('not long enough yet');
      },
      { timeoutMs: 2 * drainTimeoutMs, intervalMs: 500, what: 'the job to rest' },
    );
    const { body: locks } = await ann.get<{ items: Record<string, unknown>[] }>(`/admin/v1/locks?resource=tenant/${tenant}`);
    expect(locks.items).toMatchObject([
      { resource: `tenant/${tenant}`, job_id: jobId, held_since: expect.any(String), waiting: 1, waiters: [{ job_id: waiterId }] },
    ]);
    const all = await ann.get<{ items: { resource: string }[] }>('/admin/v1/locks');
    expect(all.body.items.map(({ resource }) => resource)).toContain(`tenant/${tenant}`);
    expect((await ann.job(waiterId)).blocked_by).toBe(jobId);
    expect((await ann.post(`/admin/v1/jobs/${waiterId}/cancel`, { reason })).status).toBe(202);

    expect(await ann.post(`/admin/v1/jobs/${jobId}/unpause`, { reason })).toMatchObject({ status: 202, body: { pause_requested: false } });
    expect((await ann.ended(jobId)).status).toBe('succeeded');
    expect(await runnerOf(tenant)).toBe('runner-2');
    expect((await toldOf(jobId)).types).toEqual(expect.arrayContaining(['job_pause_requested', 'job_paused', 'job_unpaused']));
    const late = await ann.post(`/admin/v1/jobs/${jobId}/pause`, { reason });
    expect(late).toMatchObject({ status: 409, body: { code: 'job_finished' } });
    expect((await ann.get<{ items: unknown[] }>(`/admin/v1/locks?resource=tenant/${tenant}`)).body.items).toEqual([]);
  }, 120_000);
});

describe('a plan of a kind that needs a second person', () => {
  it('is started by nobody before somebody other than its maker has approved it', async () => {
    const [tenant = ''] = await tenantsOn('runner-1');
    const planned = await ann.post<{ plan_id: string }>('/admin/v1/plan/tenant-drain', { tenant, reason });
    expect(planned).toMatchObject({ status: 201, body: { needs_approval: true, approval: null } });
    const planId = planned.body.plan_id;
    expect(await startOf('tenant-drain', planId)).toMatchObject({ status: 412, body: { code: 'approval_required' } });
    const approve = (who: Operator) => who.post(`/admin/v1/plans/${planId}/approve`, { reason: 'looked at it' });
    expect(await approve(ann)).toMatchObject({ status: 403, body: { code: 'second_person_required' } });
    expect(await startOf('tenant-drain', planId, bob)).toMatchObject({ status: 412, body: { code: 'approval_required' } });
    const approval = { approved_by: expect.stringMatching(/^user:/), reason: 'looked at it' };
    expect(await approve(bob)).toMatchObject({ status: 200, body: { approval } });
    expect(await approve(bob)).toMatchObject({ status: 200, body: { approval } });
    const started = await startOf('tenant-drain', planId);
    expect(started.status).toBe(202);
    expect((await ann.ended(started.body.job_id)).status).toBe('succeeded');
    expect((await ann.ended(await begin('tenant-resume', { tenant }))).status).toBe('succeeded');

    const schedule = { name: 'drain-it', kind: 'tenant-drain', params: { tenant }, cron: '0 3 * * *', reason };
    expect(await ann.post('/admin/v1/schedules', schedule)).toMatchObject({ status: 412, body: { code: 'approval_required' } });
  }, 60_000);
});

describe('many tenants', () => {
  it('are moved by a job each, and how far they are is told', async () => {
    const tenants = (await tenantsOn('runner-1')).slice(0, 4);
    const jobId = await begin('tenants-migrate', { tenants, to: { runner: 'runner-2' }, parallel: 2 });
    const job = await ann.ended(jobId);
    expect([job.status, job.error]).toEqual(['succeeded', null]);
    expect(stepOf(job, 'migrate')?.output).toEqual({ total: 4, succeeded: 4, running: 0, failed: [], skipped: [], refused: {} });
    for (const tenant of tenants) expect([tenant, await runnerOf(tenant)]).toEqual([tenant, 'runner-2']);
    const children = await childrenOf(jobId);
    expect(children.map((child) => [child.params['tenant'], child.status, child.parent_id, child.principal]).sort()).toEqual(
      tenants.map((tenant) => [tenant, 'succeeded', jobId, job.principal]),
    );
    const { progress } = await toldOf(jobId);
    expect(progress[0]).toMatchObject({ total: 4, succeeded: 0, running: 2 });
    // Some are done while others are under way.
    expect(progress.some(({ succeeded, running }) => succeeded > 0 && running > 0)).toBe(true);
    for (const { running } of progress) expect(running).toBeLessThanOrEqual(2);
  }, 120_000);

  it('stay where they are once one has failed', async () => {
    const stuck = (await tenantsOn('runner-3'))[0] ?? '';
    const tenants = [stuck, ...(await tenantsOn('runner-2')).slice(0, 3)];
    const { body: plan } = await ann.post<{ digest: string }>('/admin/v1/plan/tenants-migrate', {
      ...{ tenants, to: { runner: 'runner-1' }, parallel: 1, stop_after_failures: 1, reason },
    });
    // Its work never ends.
    await ann.turn('runner', 'runner-3', { stuck: true });
    try {
      const started = await startOf('tenants-migrate', plan.digest);
      const job = await ann.ended(started.body.job_id);
      expect([job.status, job.error]).toMatchObject(['failed', { code: 'children_failed', step: 'migrate' }]);
      expect(job.error?.message).toContain(stuck);
      const children = await childrenOf(job.job_id);
      expect(children).toMatchObject([{ status: 'failed', params: { tenant: stuck }, error: { code: 'step_timeout' } }]);
      expect(await Promise.all(tenants.map(runnerOf))).toEqual(['runner-3', 'runner-2', 'runner-2', 'runner-2']);
    } finally {
      await ann.turn('runner', 'runner-3', { stuck: false });
    }
  }, 120_000);

  it('stop being moved when that is cancelled in the middle', async () => {
    const tenants = (await tenantsOn('runner-2')).slice(0, 4);
    await ann.turn('runner', 'runner-2', { stuck: true });
    try {
      const jobId = await begin('tenants-migrate', { tenants, to: { runner: 'runner-1' }, parallel: 2, stop_after_failures: 4 });
      await until('to move two', jobId, (job) => (stepOf(job, 'migrate')?.output as Progress | null | undefined)?.running === 2);
      const open = await childrenOf(jobId);
      expect(open).toHaveLength(2);
      await Promise.all(open.map((child) => ann.stepReaches(child.job_id, 'drain', 'succeeded')));
      expect((await ann.post(`/admin/v1/jobs/${jobId}/cancel`, { reason })).status).toBe(202);
      expect((await ann.ended(jobId)).status).toBe('cancelled');
      const children = await childrenOf(jobId);
      expect(children.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
      expect(await Promise.all(tenants.map(runnerOf))).toEqual(Array(4).fill('runner-2'));
    } finally {
      await ann.turn('runner', 'runner-2', { stuck: false });
    }
  }, 120_000);
});

describe('a schedule', () => {
  interface Schedule extends Record<string, unknown> {
    schedule_id: string;
    name: string;
    next_at: string | null;
    last_job_id: string | null;
  }
  const list = async () => (await ann.get<{ items: Schedule[] }>('/admin/v1/schedules')).body.items;
  /** Its turn is now. The service keeps milliseconds. */
  const setDue = (name: string) => db.query(`update schedule set next_at = date_trunc('milliseconds', now()) where name = $1`, [name]);
  const named = async (name: string) => (await list()).find((schedule) => schedule.name === name);

  it('starts its job when its turn comes, as who made it, until it is paused', async () => {
    const body = {
      name: 'reload-it',
      kind: 'reload',
      params: { kind: 'runner', shard: 'runner-1' },
      cron: '0 3 1 1 *',
      time_zone: 'Europe/Berlin',
    };
    const made = await ann.post<Schedule>('/admin/v1/schedules', { ...body, reason });
    expect(made).toMatchObject({ status: 201, body: { ...body, missed: 'once', last_job_id: null } });
    expect(await ann.post('/admin/v1/schedules', { ...body, reason })).toMatchObject({ status: 409, body: { code: 'already_exists' } });
    expect(await ann.post('/admin/v1/schedules', { ...body, name: 'other', cron: 'soon', reason })).toMatchObject({ status: 400 });
    // Nobody waits for the first of January.
    await setDue(body.name);
    const fired = await eventually(
      async () => {
        const schedule = await named(body.name);
        return schedule?.last_job_id == null ? undefined : schedule;
      },
      { timeoutMs: 20_000, what: 'the schedule to fire' },
    );
    expect(Date.parse(fired.next_at ?? '')).toBeGreaterThan(Date.now());
    const job = await ann.ended(fired.last_job_id ?? '');
    expect(job).toMatchObject({ kind: 'reload', status: 'succeeded', reason, principal: (await ann.me()).principal });

    expect((await ann.post('/admin/v1/schedules/reload-it/pause', { reason })).status).toBe(204);
    expect(await named(body.name)).toMatchObject({ next_at: null, paused_at: expect.any(String) });
    await setDue(body.name);
    // Another one that is due fires after it would have.
    await ann.post('/admin/v1/schedules', { ...body, name: 'reload-other', reason });
    await setDue('reload-other');
    await eventuallyHolds(
      async () => {
        expect((await named('reload-other'))?.last_job_id).not.toBeNull();
      },
      { timeoutMs: 20_000, what: 'the other schedule to fire' },
    );
    expect((await named(body.name))?.last_job_id).toBe(fired.last_job_id);
    expect((await ann.post(`/admin/v1/schedules/${fired.schedule_id}/resume`, { reason })).status).toBe(204);
    expect(Date.parse((await named(body.name))?.next_at ?? '')).toBeGreaterThan(Date.now());
    for (const { name } of await list()) expect((await ann.delete(`/admin/v1/schedules/${name}`, { reason })).status).toBe(204);
    expect(await list()).toEqual([]);
    expect(await ann.delete('/admin/v1/schedules/reload-it', { reason })).toMatchObject({
      status: 404,
      body: { code: 'schedule_not_found' },
    });
  }, 60_000);

  it('tells why a turn’s job was refused', async () => {
    const schedule = { name: 'nobody', kind: 'tenant-resume', params: { tenant: 'nobody' }, cron: '* * * * *', reason };
    expect((await ann.post('/admin/v1/schedules', schedule)).status).toBe(201);
    await setDue('nobody');
    await eventuallyHolds(
      async () => {
        expect(await named('nobody')).toMatchObject({ last_job_id: null, last_error: { code: 'tenant_not_found' } });
      },
      { timeoutMs: 20_000, what: 'the turn to be refused' },
    );
    await ann.delete('/admin/v1/schedules/nobody', { reason });
  }, 60_000);
});

describe('the command line', () => {
  /** Runs the built one as somebody. */
  async function commandsOf(who: Operator) {
    const { body } = await who.post<{ token: string }>('/admin/v1/api-tokens', { name: 'test', roles: ['operator'] });
    const env = { ...process.env, FAIRLEAD_URL: stack.url, FAIRLEAD_TOKEN: body.token };
    return async (...args: string[]) => {
      const bin = join(import.meta.dirname, '../../apps/cli/bin/fairlead.mjs');
      const child = spawn(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number]>]);
      return { code, out, err };
    };
  }
  const why = ['--reason', reason];

  it('moves tenants, has a plan approved and applied, and tells of locks, replicas and schedules', async () => {
    const [ofAnn, ofBob] = await Promise.all([commandsOf(ann), commandsOf(bob)]);
    const tenants = (await tenantsOn('runner-2')).slice(0, 2);
    const moved = await ofAnn('tenant', 'migrate', ...tenants, '--to', 'runner=runner-3', '--wait', '-o', 'json', ...why);
    expect([moved.code, moved.err]).toEqual([0, expect.stringMatching(/migrate +succeeded/)]);
    const { job_id: jobId } = JSON.parse(moved.out) as { job_id: string };
    expect((await ofBob('job', 'list', '--parent', jobId)).out.match(/tenant-migrate +succeeded/g)).toHaveLength(2);
    expect(await ofBob('job', 'pause', jobId, ...why)).toMatchObject({ code: 5, err: expect.stringContaining('already ended') });

    const refused = await ofAnn('tenant', 'drain', tenants[0] ?? '', ...why);
    expect(refused).toMatchObject({ code: 5, err: expect.stringContaining('somebody else has to approve this plan') });
    const planId = /plan approve (\w+)/.exec(refused.err)?.[1] ?? '';
    expect((await ofAnn('plan', 'approve', planId, ...why)).code).toBe(3);
    expect(await ofBob('plan', 'approve', planId, ...why)).toMatchObject({ code: 0, err: '' });
    expect((await ofAnn('plan', 'show', planId)).out).toMatch(/^approved +by user:/m);
    expect(await ofAnn('plan', 'apply', planId, '--wait', ...why)).toMatchObject({ code: 0, err: '' });
    expect(await ofAnn('tenant', 'resume', tenants[0] ?? '', '--wait', ...why)).toMatchObject({ code: 0, err: '' });

    const turns = ['--kind', 'reload', '--params', '{"kind":"runner","shard":"runner-1"}', '--cron', '0 3 1 1 *'];
    expect(await ofAnn('schedule', 'create', 'yearly', ...turns, ...why)).toMatchObject({ code: 0, err: '' });
    for (const change of ['pause', 'resume']) expect(await ofBob('schedule', change, 'yearly', ...why)).toMatchObject({ code: 0, err: '' });
    expect((await ofBob('schedule', 'list')).out).toMatch(/^yearly +reload +0 3 1 1 \* +UTC +\d{4}-01-01T03:00:00/m);
    expect(await ofBob('schedule', 'delete', 'yearly', ...why)).toMatchObject({ code: 0, err: '' });
    expect(await ofBob('lock', 'list')).toMatchObject({ code: 0, err: '' });
    expect((await ofBob('replica', 'list')).out).toMatch(/^rep_\w+ +\S+ +\d+ +yes +0 /m);
  }, 120_000);
});

it('the replicas that run jobs are listed', async () => {
  const { body } = await ann.get<{ items: Record<string, unknown>[] }>('/admin/v1/replicas');
  expect(body.items).toEqual([expect.objectContaining({ alive: true, running: 0 })]);
  expect(body.items[0]?.['kinds']).toEqual(expect.arrayContaining([expect.stringContaining('tenants-migrate')]));
});
