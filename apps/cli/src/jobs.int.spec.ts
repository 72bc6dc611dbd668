/** Commands about jobs that run, their locks, plans that need a second person, and schedules. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { job, plan, problem, startStage, type Stage } from './gateway.fixture.js';

let stage: Stage;
let gateway: Stage['gateway'];
let run: Stage['run'];

beforeEach(async () => {
  stage = await startStage();
  ({ gateway, run } = stage);
});

afterEach(() => stage.stop());

const asked = () => gateway.seen.map(({ route, body }) => [route, body]);

describe('job', () => {
  it('is paused, now or after the run at hand, and goes on, each with a reason', async () => {
    const path = '/admin/v1/jobs/job_1';
    gateway.on(`POST ${path}/pause`, { status: 202, body: { ...job('running'), pause_requested: true, paused_at: null } });
    const first = await run(['job', 'pause', 'job_1', '--reason', 'warm']);
    expect([first.exitCode, first.out]).toEqual([
      exitCodes.ok,
      'job job_1 is asked to pause; what it does right now is seen through; go on with: fairlead job unpause job_1 --reason …\n',
    ]);
    gateway.on(`POST ${path}/pause`, {
      status: 202,
      body: { ...job('waiting'), pause_requested: true, paused_at: '2026-11-01T10:00:00Z' },
    });
    expect((await run(['job', 'pause', 'job_1', '--reason', 'warm'])).out).toContain('job job_1 is paused; go on with');
    gateway.on(`POST ${path}/unpause`, { status: 202, body: job('running') });
    expect((await run(['job', 'unpause', 'job_1', '--reason', 'cool'])).out).toContain('job job_1 goes on');
    expect(asked()).toEqual([
      [`POST ${path}/pause`, { reason: 'warm' }],
      [`POST ${path}/pause`, { reason: 'warm' }],
      [`POST ${path}/unpause`, { reason: 'cool' }],
    ]);
    gateway.on(`POST ${path}/pause`, problem(409, 'job_finished', 'The job has already ended: succeeded'));
    expect(await run(['job', 'pause', 'job_1', '--reason', 'warm'])).toMatchObject({
      exitCode: exitCodes.conflict,
      err: expect.stringContaining('has already ended'),
    });
  });

  it('is sent a signal, with a payload or none', async () => {
    gateway.on('POST /admin/v1/jobs/job_1/signals/go', { status: 202, body: job('waiting') });
    expect((await run(['job', 'signal', 'job_1', 'go'])).out).toContain('job job_1 has the signal go');
    expect((await run(['job', 'signal', 'job_1', 'go', '--payload', '{"batch":2}'])).exitCode).toBe(exitCodes.ok);
    expect(gateway.seen.map(({ body }) => body)).toEqual([{ payload: {} }, { payload: { batch: 2 } }]);
  });

  it('is listed with those that it has asked for', async () => {
    gateway.on('GET /admin/v1/jobs', { body: { items: [job('running')], next_cursor: null } });
    await run(['job', 'list', '--parent', 'job_0']);
    expect(Object.fromEntries(gateway.seen[0]?.query ?? [])).toEqual({ parent: 'job_0', limit: '100' });
  });
});

describe('tenant migrate of several', () => {
  it('plans and starts one job for all', async () => {
    gateway.on('POST /admin/v1/plan/tenants-migrate', { status: 201, body: { ...plan(), kind: 'tenants-migrate' } });
    gateway.on('POST /admin/v1/jobs/tenants-migrate', { status: 202, body: { job_id: 'job_1' } });
    const args = ['tenant', 'migrate', 'acme', 'duff', '--to', 'runner-2', '--kind', 'runner', '--reason', 'room'];
    const { exitCode, out } = await run([...args, '--parallel', '3', '--stop-after-failures', '2']);
    expect([exitCode, out]).toEqual([exitCodes.ok, expect.stringContaining('job job_1 is started')]);
    await run([...args, '--dry-run']);
    const body = { tenants: ['acme', 'duff'], kinds: ['runner'], to: 'runner-2', reason: 'room' };
    expect(asked()).toEqual([
      ['POST /admin/v1/plan/tenants-migrate', { ...body, parallel: 3, stop_after_failures: 2 }],
      ['POST /admin/v1/jobs/tenants-migrate', { plan_digest: 'digest-1', reason: 'room' }],
      ['POST /admin/v1/plan/tenants-migrate', body],
    ]);
  });
});

describe('a plan that needs a second person', () => {
  const waiting = { ...plan(), kind: 'tenant-drain', needs_approval: true, approval: null };
  const approved = { ...waiting, approval: { approved_by: 'user:usr_2', approved_at: '2026-11-01T10:01:00Z', reason: 'looked at it' } };

  it('is shown, and nothing is started', async () => {
    gateway.on('POST /admin/v1/plan/tenant-drain', { status: 201, body: waiting });
    const { exitCode, out, err } = await run(['tenant', 'drain', 'acme', '--reason', 'quiet']);
    expect(exitCode).toBe(exitCodes.conflict);
    expect(out).toContain('by somebody else is needed');
    expect(err).toContain('fairlead plan approve plan_1 --reason …; then: fairlead plan apply plan_1');
    expect(gateway.seen).toHaveLength(1);
    const json = await run(['tenant', 'drain', 'acme', '--reason', 'quiet', '-o', 'json']);
    expect(JSON.parse(json.out)).toMatchObject({ plan: { plan_id: 'plan_1', needs_approval: true } });
    expect((await run(['tenant', 'drain', 'acme', '--reason', 'quiet', '--dry-run'])).exitCode).toBe(exitCodes.ok);
  });

  it('is approved as it was seen, by its id', async () => {
    gateway.on('GET /admin/v1/plans/digest-1', { body: waiting });
    gateway.on('POST /admin/v1/plans/plan_1/approve', { body: approved });
    const args = ['plan', 'approve', 'digest-1', '--reason', 'looked at it'];
    expect(await run(args, { answers: ['n'] })).toMatchObject({
      exitCode: exitCodes.failed,
      err: expect.stringContaining('stop new work'),
    });
    expect(gateway.of('POST /admin/v1/plans/plan_1/approve')).toEqual([]);
    const { exitCode, out } = await run(args);
    expect([exitCode, out]).toEqual([exitCodes.ok, expect.stringContaining('fairlead plan apply plan_1 --reason …')]);
    expect(gateway.of('POST /admin/v1/plans/plan_1/approve').map(({ body }) => body)).toEqual([{ reason: 'looked at it' }]);
    gateway.on('POST /admin/v1/plans/plan_1/approve', problem(403, 'second_person_required', 'A plan is approved by somebody else'));
    expect((await run(args)).exitCode).toBe(exitCodes.auth);
  });

  it('is applied once it is approved, and not before', async () => {
    gateway.on('GET /admin/v1/plans/plan_1', { body: waiting });
    gateway.on('POST /admin/v1/jobs/tenant-drain', { status: 202, body: { job_id: 'job_1' } });
    const args = ['plan', 'apply', 'plan_1', '--reason', 'quiet'];
    expect((await run(args)).exitCode).toBe(exitCodes.conflict);
    gateway.on('GET /admin/v1/plans/plan_1', { body: approved });
    expect((await run(['plan', 'show', 'plan_1'])).out).toMatch(/approved +by user:usr_2, 2026-11-01T10:01:00Z: looked at it/);
    const { exitCode, out } = await run(args);
    expect([exitCode, out]).toEqual([exitCodes.ok, expect.stringContaining('job job_1 is started')]);
    expect(gateway.of('POST /admin/v1/jobs/tenant-drain').map(({ body }) => body)).toEqual([{ plan_digest: 'plan_1', reason: 'quiet' }]);
  });
});

describe('lock list and replica list', () => {
  it('show who has what, and who waits', async () => {
    const waiters = [{ job_id: 'job_2', kind: 'tenant-drain', principal: 'user:usr_2', asked_at: null }];
    const lock = { resource: 'tenant/acme', job_id: 'job_1', kind: 'reload', principal: 'user:usr_1', asked_at: null, held_since: null };
    gateway.on('GET /admin/v1/locks', { body: { items: [{ ...lock, waiting: 1, waiters }], next_cursor: null } });
    const { out } = await run(['lock', 'list', '--resource', 'tenant/acme', '--limit', '5']);
    expect(out).toMatch(/tenant\/acme +job_1 +reload +user:usr_1 +- +- +1 +job_2\n/);
    expect(Object.fromEntries(gateway.seen[0]?.query ?? [])).toEqual({ resource: 'tenant/acme', limit: '5' });
  });

  it('show the processes', async () => {
    const replica = { replica_id: 'replica_1', host: 'box-1', pid: 4711, kinds: [], alive: false, running: 3 };
    gateway.on('GET /admin/v1/replicas', { body: { items: [replica], next_cursor: null } });
    expect((await run(['replica', 'list'])).out).toMatch(/replica_1 +box-1 +4711 +no +3 /);
    expect(JSON.parse((await run(['replica', 'list', '-o', 'json'])).out)).toEqual({ items: [replica], next_cursor: null });
  });
});

describe('schedule', () => {
  const path = '/admin/v1/schedules';
  const schedule = { schedule_id: 'sch_1', name: 'nightly', kind: 'reload', cron: '0 3 * * *', next_at: '2026-11-02T03:00:00Z' };

  it('is made and listed', async () => {
    gateway.on(`POST ${path}`, { status: 201, body: schedule });
    gateway.on(`GET ${path}`, {
      body: { items: [{ ...schedule, last_error: { code: 'plan_blocked', message: 'not now' } }], next_cursor: null },
    });
    const args = ['schedule', 'create', 'nightly', '--kind', 'reload', '--cron', '0 3 * * *', '--reason', 'new certificates'];
    const { exitCode, out } = await run([...args, '--params', '{"kind":"gateway","shard":"gateway-1"}']);
    expect([exitCode, out]).toEqual([exitCodes.ok, 'schedule nightly is made; its first turn is at 2026-11-02T03:00:00Z\n']);
    expect(gateway.seen[0]?.body).toEqual({
      name: 'nightly',
      kind: 'reload',
      params: { kind: 'gateway', shard: 'gateway-1' },
      cron: '0 3 * * *',
      time_zone: 'UTC',
      missed: 'once',
      reason: 'new certificates',
    });
    expect((await run(['schedule', 'list'])).out).toMatch(/nightly +reload +0 3 \* \* \* .*2026-11-02T03:00:00Z.*not now\n/);
    for (const params of ['[1]', 'x', 'null']) expect((await run([...args, '--params', params])).exitCode).toBe(exitCodes.usage);
  });

  it('is paused, resumed and deleted, each with a reason', async () => {
    for (const [command, route] of [
      ['pause', `POST ${path}/nightly/pause`],
      ['resume', `POST ${path}/nightly/resume`],
      ['delete', `DELETE ${path}/nightly`],
    ] as const) {
      gateway.on(route, { status: 204, body: '' });
      const { exitCode, out } = await run(['schedule', command, 'nightly', '--reason', 'why']);
      expect([exitCode, out]).toEqual([exitCodes.ok, expect.stringContaining('schedule nightly is')]);
      expect(gateway.of(route).map(({ body }) => body)).toEqual([{ reason: 'why' }]);
      expect((await run(['schedule', command, 'nightly'])).exitCode).toBe(exitCodes.usage);
    }
    gateway.on(`DELETE ${path}/weekly`, problem(404, 'schedule_not_found', 'There is no schedule weekly'));
    expect((await run(['schedule', 'delete', 'weekly', '--reason', 'why'])).exitCode).toBe(exitCodes.notFound);
  });
});

it.each([
  [['job', 'pause', 'job_1']],
  [['job', 'signal', 'job_1']],
  [['job', 'signal', 'job_1', 'go', '--payload', '[]']],
  [['plan', 'approve', 'plan_1']],
  [['plan', 'apply', 'plan_1']],
  [['tenant', 'migrate', 'acme', '--to', 'runner=runner-2', '--reason', 'x', '--parallel', '2']],
  [['tenant', 'migrate', 'acme', 'duff', '--to', 'runner=runner-2', '--reason', 'x', '--parallel', '0']],
  [['schedule', 'create', 'a', '--kind', 'reload', '--params', '{}', '--cron', '* * * * *', '--reason', 'x', '--missed', 'all']],
])('%j ends with the usage code and asks nobody', async (args) => {
  expect((await run(args)).exitCode).toBe(exitCodes.usage);
  expect(gateway.seen).toEqual([]);
});
