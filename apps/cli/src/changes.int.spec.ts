import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { startStage, frame, job, plan, problem, type Stage } from './gateway.fixture.js';

let stage: Stage;
let gateway: Stage['gateway'];
let run: Stage['run'];
let url: Stage['url'];

beforeEach(async () => {
  stage = await startStage();
  ({ gateway, run, url } = stage);
});

afterEach(() => stage.stop());

describe('tenant migrate', () => {
  const migrate = ['tenant', 'migrate', 'acme', '--to', 'runner-2', '--kind', 'runner', '--reason', 'make room'];
  const planRoute = 'POST /admin/v1/plan/tenant-migrate';
  const startRoute = 'POST /admin/v1/jobs/tenant-migrate';

  beforeEach(() => {
    gateway.on(planRoute, { status: 201, body: plan() });
    gateway.on(startRoute, { status: 202, body: { job_id: 'job_1' } });
  });

  it('shows the plan and stops with --dry-run', async () => {
    const { exitCode, out } = await run([...migrate, '--dry-run']);
    expect(exitCode).toBe(exitCodes.ok);
    expect(out).toMatch(
      /digest +digest-1[\s\S]*drain +runner +runner-1 +runner-2[\s\S]*target-ready +pass +1 of 1 +all[\s\S]*expected pause +350 ms\n\ncorrelation id +cor_/,
    );
    expect(gateway.seen.map(({ route, body }) => [route, body])).toEqual([
      [planRoute, { tenant: 'acme', kinds: ['runner'], to: 'runner-2', reason: 'make room' }],
    ]);
  });

  it('plans and starts under one correlation id, with a key of its own', async () => {
    const { exitCode, out } = await run([...migrate, '--on-conflict', 'reject']);
    expect(exitCode).toBe(exitCodes.ok);
    expect(out).toContain('job job_1 is started');
    const [planned, started] = gateway.seen;
    expect(started?.body).toEqual({ plan_digest: 'digest-1', reason: 'make room', on_conflict: 'reject' });
    expect(started?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
    expect(planned?.headers['x-correlation-id']).toMatch(/^cor_/);
    expect(started?.headers['x-correlation-id']).toBe(planned?.headers['x-correlation-id']);
    expect(out).toContain(String(planned?.headers['x-correlation-id']));
  });

  it('finds the kind of a shard by the directory', async () => {
    gateway.on('GET /admin/v1/shards', {
      body: {
        items: [
          { kind: 'gateway', shard_id: 'gateway-1' },
          { kind: 'runner', shard_id: 'runner-2' },
        ],
        next_cursor: null,
      },
    });
    expect((await run(['tenant', 'migrate', 'acme', '--to', 'runner-2', '--reason', 'x'])).exitCode).toBe(exitCodes.ok);
    expect(gateway.of(planRoute)[0]?.body).toEqual({ tenant: 'acme', kinds: ['runner'], to: 'runner-2', reason: 'x' });
    const unknown = await run(['tenant', 'migrate', 'acme', '--to', 'runner-9', '--reason', 'x']);
    expect([unknown.exitCode, unknown.err]).toEqual([exitCodes.notFound, 'error: there is no shard runner-9 that tenants are placed on\n']);
    const shown = await run(['shard', 'show', 'runner', 'runner-9']);
    expect([shown.exitCode, shown.err]).toEqual([exitCodes.notFound, 'error: there is no runner shard runner-9\n']);
  });

  it.each([[[]], [['--dry-run']], [['-o', 'json']]])('stops at a blocked check with %j', async (more) => {
    gateway.on(planRoute, { status: 201, body: plan('block') });
    const { exitCode, err } = await run([...migrate, '--yes', ...more]);
    expect([exitCode, err]).toEqual([
      exitCodes.conflict,
      'error: the plan is blocked, nothing was started: target-ready: runner-2 is ready or not\n',
    ]);
    expect(gateway.of(startRoute)).toEqual([]);
  });

  it('asks a person, and takes only a yes', async () => {
    const no = await run(migrate, { answers: [''] });
    expect([no.exitCode, no.err]).toEqual([exitCodes.failed, 'Apply this plan? [y/N] error: not confirmed, nothing was started\n']);
    expect(gateway.of(startRoute)).toEqual([]);
    expect((await run(migrate, { answers: ['y'] })).exitCode).toBe(exitCodes.ok);
    expect((await run([...migrate, '--yes'], { answers: [] })).err).toBe('');
  });

  it('is one document in JSON', async () => {
    const { out } = await run([...migrate, '-o', 'json']);
    expect(JSON.parse(out)).toMatchObject({ job_id: 'job_1', correlation_id: expect.stringMatching(/^cor_/), plan: plan() });
    expect(JSON.parse((await run([...migrate, '-o', 'json', '--dry-run'])).out)).toMatchObject({ plan: plan() });
  });

  it('repeats a start that got no answer with the same key, and prints it when it gives up', async () => {
    gateway.on(startRoute, (_seen, response) => {
      response.destroy();
      return 'handled';
    });
    const { exitCode, err } = await run([...migrate, '--idempotency-key', 'key-1']);
    expect(exitCode).toBe(exitCodes.failed);
    expect(err).toContain(
      'idempotency key key-1 (a repeat with --idempotency-key key-1 starts no second job)\nerror: ' + url + " can't be reached",
    );
    expect(gateway.of(startRoute).map(({ headers }) => headers['idempotency-key'])).toEqual(['key-1', 'key-1', 'key-1']);
    expect(gateway.of(planRoute)).toHaveLength(1);
  });

  it.each([
    [problem(400, 'invalid_argument', 'reason: is required'), exitCodes.usage],
    [problem(401, 'unauthenticated', 'no'), exitCodes.auth],
    [problem(403, 'permission_denied', 'no'), exitCodes.auth],
    [problem(404, 'tenant_not_found', 'There is no tenant acme'), exitCodes.notFound],
    [problem(409, 'lock_held', 'busy'), exitCodes.conflict],
    [problem(412, 'plan_stale', 'moved'), exitCodes.conflict],
    [problem(500, 'internal', 'broken'), exitCodes.failed],
    [problem(504, 'deadline_exceeded', 'late'), exitCodes.timeout],
  ])('ends by the kind of problem: %j', async (answer, exitCode) => {
    gateway.on(startRoute, answer);
    const { detail, code } = answer.body as { detail: string; code: string };
    const { err, ...result } = await run(migrate);
    expect(result.exitCode).toBe(exitCode);
    expect(err).toContain(`error: ${detail} (${code}, request req_42)\n`);
  });

  it('follows the job with --wait, over a stream that breaks, and ends by its outcome', async () => {
    let looks = 0;
    gateway.on('GET /admin/v1/jobs/job_1', () => ({ body: job(++looks < 3 ? 'running' : 'succeeded') }));
    gateway.on('GET /admin/v1/jobs/job_1/events', (seen, response) => {
      const cursor = seen.query.get('cursor');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (cursor === '0') {
        response.write('retry: 1000\n\n' + frame(1, 'job_queued') + frame(2, 'step_started', { step: 'drain', attempt: 1 }), () =>
          response.destroy(),
        );
      } else if (cursor === '2') response.end(frame(4, 'step_succeeded', { step: 'drain', attempt: 1 }));
      else response.end(frame(5, 'job_succeeded'));
      return 'handled';
    });
    const { exitCode, out } = await run([...migrate, '--wait']);
    expect(exitCode).toBe(exitCodes.ok);
    expect(out.slice(out.indexOf('10:00:01'))).toBe(
      [
        '10:00:01  job    queued',
        '10:00:02  drain  started',
        '10:00:04  drain  succeeded     2000 ms',
        '10:00:05  job    succeeded     4000 ms',
        '',
      ].join('\n'),
    );
    expect(gateway.of('GET /admin/v1/jobs/job_1/events').map(({ query }) => query.get('cursor'))).toEqual(['0', '2', '4']);
  });

  it('gives up waiting in time, and the job goes on', async () => {
    gateway.on('GET /admin/v1/jobs/job_1', { body: job('running') });
    gateway.on('GET /admin/v1/jobs/job_1/events', (_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': nothing yet\n\n');
      return 'handled';
    });
    const { exitCode, err } = await run([...migrate, '--wait', '--timeout', '300ms']);
    expect([exitCode, err]).toEqual([
      exitCodes.timeout,
      'error: job job_1 has not ended within 0.3 s; it goes on: fairlead job watch job_1\n',
    ]);
  });
});

describe('job watch', () => {
  it.each([
    ['failed', 'failed and was undone'],
    ['cancelled', 'was cancelled and undone'],
    ['needs_attention', 'needs attention'],
  ])('ends with a failure for a job that %s', async (status, words) => {
    gateway.on('GET /admin/v1/jobs/job_1', { body: job(status) });
    gateway.on('GET /admin/v1/jobs/job_1/events', { headers: { 'content-type': 'text/event-stream' }, body: frame(1, `job_${status}`) });
    const { exitCode, err, out } = await run(['job', 'watch', 'job_1', '-o', 'json']);
    expect([exitCode, err]).toEqual([exitCodes.failed, `error: job job_1 ${words}\n`]);
    expect(
      out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { type: string }).type),
    ).toEqual([`job_${status}`]);
  });

  it('goes on with a job that somebody has tried again meanwhile', async () => {
    const statuses = ['needs_attention', 'waiting', 'succeeded'];
    gateway.on('GET /admin/v1/jobs/job_1', () => ({ body: job(statuses.shift() ?? 'succeeded') }));
    gateway.on('GET /admin/v1/jobs/job_1/events', ({ query }) => ({
      headers: { 'content-type': 'text/event-stream' },
      body: query.get('cursor') === '0' ? frame(1, 'job_needs_attention') : frame(2, 'job_retried') + frame(3, 'job_succeeded'),
    }));
    const { exitCode, out } = await run(['job', 'watch', 'job_1', '-o', 'json']);
    expect(exitCode).toBe(exitCodes.ok);
    expect([...out.matchAll(/"type":"(\w+)"/g)].map(([, type]) => type)).toEqual(['job_needs_attention', 'job_retried', 'job_succeeded']);
  });

  it('does not wait for a job that does not exist, nor after the token has ended', async () => {
    gateway.on('GET /admin/v1/jobs/job_9', problem(404, 'job_not_found', 'There is no job job_9'));
    expect((await run(['job', 'watch', 'job_9'])).exitCode).toBe(exitCodes.notFound);
    gateway.on('GET /admin/v1/jobs/job_1', { body: job('running') });
    gateway.on('GET /admin/v1/jobs/job_1/events', problem(401, 'unauthenticated', 'The token has expired'));
    expect((await run(['job', 'watch', 'job_1'])).exitCode).toBe(exitCodes.auth);
  });
});

describe('other changes', () => {
  it.each([
    [['tenant', 'drain', 'acme', '--kind', 'runner'], 'tenant-drain', { tenant: 'acme', kinds: ['runner'], reason: 'r' }],
    [['tenant', 'resume', 'acme'], 'tenant-resume', { tenant: 'acme', reason: 'r' }],
    [['shard', 'drain', 'runner', 'r-1', '--parallel', '2'], 'shard-drain', { kind: 'runner', shard: 'r-1', parallel: 2, reason: 'r' }],
    [['shard', 'resume', 'runner', 'r-1'], 'shard-resume', { kind: 'runner', shard: 'r-1', reason: 'r' }],
    [['node', 'drain', 'host-3'], 'node-drain', { node: 'host-3', reason: 'r' }],
    [['node', 'resume', 'host-3', '--parallel', '2'], 'node-resume', { node: 'host-3', parallel: 2, reason: 'r' }],
    [['fleet', 'reload', 'gateway', 'gateway-1'], 'reload', { kind: 'gateway', shard: 'gateway-1', reason: 'r' }],
  ])('%j plans and starts a job of its kind', async (args, kind, body) => {
    gateway.on(`POST /admin/v1/plan/${kind}`, { status: 201, body: plan() });
    gateway.on(`POST /admin/v1/jobs/${kind}`, { status: 202, body: { job_id: 'job_7' } });
    expect((await run([...args, '--reason', 'r'])).exitCode).toBe(exitCodes.ok);
    expect(gateway.seen.map((seen) => seen.body)).toEqual([body, { plan_digest: 'digest-1', reason: 'r' }]);
  });

  it('registers a tenant, cancels a job and has one tried again', async () => {
    gateway.on('POST /admin/v1/tenants', ({ body }) => ({
      status: 201,
      body: { ...body, placement: { runner: { shard: 'runner-1', revision: 1 } } },
    }));
    const { out } = await run(['tenant', 'create', 'acme', '--name', 'Acme', '--place', 'runner=runner-1', '-o', 'json']);
    expect(JSON.parse(out)).toMatchObject({ tenant_id: 'acme', placement: { runner: { shard: 'runner-1' } } });
    expect(gateway.seen[0]?.body).toEqual({ tenant_id: 'acme', name: 'Acme', placement: { runner: 'runner-1' } });
    expect(gateway.seen[0]?.headers['idempotency-key']).toMatch(/.{36}/);
    gateway.on('POST /admin/v1/jobs/job_1/cancel', { status: 202, body: job('compensating') });
    expect((await run(['job', 'cancel', 'job_1', '--reason', 'wrong shard'])).exitCode).toBe(exitCodes.ok);
    expect(gateway.of('POST /admin/v1/jobs/job_1/cancel')[0]?.body).toEqual({ reason: 'wrong shard' });
    gateway.on('POST /admin/v1/jobs/job_1/retry', { status: 202, body: job('waiting') });
    expect((await run(['job', 'retry', 'job_1', '--reason', 'the shard is back'])).exitCode).toBe(exitCodes.ok);
    expect(gateway.of('POST /admin/v1/jobs/job_1/retry')[0]?.body).toEqual({ reason: 'the shard is back' });
  });
});
