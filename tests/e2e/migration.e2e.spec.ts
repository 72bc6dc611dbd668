/** The main job on the whole stack, booted as `npm start` does it, under the simulated fleet's load. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventually, eventuallyHolds, testFolder } from '@fairlead/testing';
import { Operator, send, type Job } from './support/operator.js';

let stack: Stack;
let ann: Operator;
let tenants: string[];

beforeAll(async () => {
  stack = await startStack({ stateDir: testFolder('stack'), port: 0, separate: false, sim: true, log: () => undefined });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants?limit=200');
  tenants = body.items.map((tenant) => tenant.tenant_id);
}, 180_000);

afterAll(async () => {
  await stack.stop();
}, 60_000);

/** Milliseconds from the beginning of the drain to its end, as the job's steps tell. */
function drainMs(job: Job): number {
  const step = (name: string) => job.steps.find((candidate) => candidate.name === name);
  return Date.parse(step('wait-drained')?.finished_at ?? '') - Date.parse(step('drain')?.started_at ?? '');
}

async function expectExactCounts(): Promise<void> {
  const report = await ann.reportAfter(200);
  expect(report).toMatchObject({ lost: 0, doubled: 0, wrong_owner: 0 });
}

/** What must not change when something is refused. */
async function world() {
  const [placement, tenantList, jobs, snapshot] = await Promise.all([
    ann.get('/admin/v1/placement'),
    ann.get('/admin/v1/tenants?limit=200'),
    ann.get<{ items: { job_id: string }[] }>('/admin/v1/jobs?limit=200'),
    ann.get<{ items?: unknown[]; endpoints?: { endpoint_id: string; healthy: boolean; ready: boolean }[] }>(
      '/admin/v1/fleet/snapshot?max_age_ms=1',
    ),
  ]);
  const endpoints = (snapshot.body.endpoints ?? snapshot.body.items ?? []) as { endpoint_id: string; healthy: boolean; ready: boolean }[];
  return {
    placement: placement.body,
    tenants: tenantList.body,
    jobs: jobs.body.items.map((job) => job.job_id),
    fleet: endpoints.map(({ endpoint_id, healthy, ready }) => ({ endpoint_id, healthy, ready })),
  };
}

/** What a pause may be when something else has the machine. */
const unhurriedMs = 2_000;

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Infinity;
}

describe('a tenant is migrated', () => {
  it('twenty times in a row under load, with exact counts and short pauses', async () => {
    const pauses: number[] = [];
    for (let turn = 0; turn < 20; turn++) {
      const tenant = tenants[turn % tenants.length] ?? '';
      const to = await ann.elsewhere(tenant);
      const job = await ann.ended(await ann.migrate(tenant, to));
      expect({ status: job.status, error: job.error }).toEqual({ status: 'succeeded', error: null });
      expect(await ann.placementOf(tenant)).toEqual(to);
      const pauseMs = (await ann.report()).tenants[tenant]?.longest_pause_ms ?? Infinity;
      pauses.push(pauseMs - drainMs(job));
    }
    await expectExactCounts();
    expect(medianOf(pauses)).toBeLessThanOrEqual(unhurriedMs);
  }, 180_000);

  it('five at once on different tenants', async () => {
    const chosen = tenants.slice(0, 5);
    const pauses: number[] = [];
    for (let round = 0; round < 3; round++) {
      const since = (await ann.report()).as_of_ms;
      const targets = await Promise.all(chosen.map((tenant) => ann.elsewhere(tenant)));
      const started = await Promise.all(chosen.map((tenant, index) => ann.migrate(tenant, targets[index] ?? {})));
      const jobs = await Promise.all(started.map((jobId) => ann.ended(jobId)));
      expect(jobs.map((job) => job.status)).toEqual(chosen.map(() => 'succeeded'));
      await expectExactCounts();
      pauses.push((await ann.report(since)).drains.worst_pause_beyond_drain_ms);
    }
    // Of five side by side the worst: they share the machine with each other.
    expect(medianOf(pauses)).toBeLessThanOrEqual(unhurriedMs);
  }, 180_000);

  it('for one kind alone, by shard id', async () => {
    const tenant = tenants[5] ?? '';
    const before = await ann.placementOf(tenant);
    const runner = (await ann.elsewhere(tenant))['runner'] ?? '';
    const plan = await ann.plan(tenant, runner, { kinds: ['runner'] });
    expect(plan.status).toBe(201);
    expect((await ann.plan(tenant, runner, { kinds: ['runner'] })).body.digest).toBe(plan.body.digest);
    const started = await ann.start(plan.body.digest);
    expect((await ann.ended(started.body.job_id)).status).toBe('succeeded');
    expect(await ann.placementOf(tenant)).toEqual({ ...before, runner });
  }, 60_000);
});

describe('a request that comes twice, late or wrong', () => {
  it('makes one job of one idempotency key, refuses another body, and refuses a stale digest', async () => {
    const tenant = tenants[6] ?? '';
    const to = await ann.elsewhere(tenant);
    const [plan, later] = [await ann.plan(tenant, to), await ann.plan(tenant, to)];
    const headers = { 'idempotency-key': `once-${tenant}` };
    const answers = await Promise.all([1, 2, 3].map(() => ann.start(plan.body.digest, {}, headers)));
    expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202]);
    expect(new Set(answers.map((answer) => answer.body.job_id)).size).toBe(1);
    const jobId = answers[0]?.body.job_id ?? '';
    expect((await ann.ended(jobId)).status).toBe('succeeded');
    const reused = await ann.start(plan.body.digest, { reason: 'something else' }, headers);
    expect(reused).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } });
    expect(reused.headers.get('content-type')).toContain('application/problem+json');
    const before = await world();
    expect(await ann.start(later.body.digest)).toMatchObject({ status: 412, body: { code: 'plan_stale' } });
    expect(await world()).toEqual(before);
    expect((await ann.start(plan.body.digest, {}, headers)).body.job_id).toBe(jobId);
  }, 60_000);

  it('lets a second job on a tenant wait, or refuses it as asked', async () => {
    const tenant = tenants[7] ?? '';
    const to = await ann.elsewhere(tenant);
    const from = await ann.placementOf(tenant);
    await ann.turn('runner', from['runner'] ?? '', { stuck: true });
    const first = await ann.migrate(tenant, { runner: to['runner'] ?? '' });
    await ann.stepReaches(first, 'wait-drained', 'running');
    const plan = await ann.plan(tenant, { aggregate: to['aggregate'] ?? '' });
    expect(plan.body.checks.find((check) => check.name === 'no_running_job')).toMatchObject({ verdict: 'warn', value: first });
    expect(await ann.start(plan.body.digest, { on_conflict: 'reject' })).toMatchObject({ status: 409, body: { code: 'lock_held' } });
    const second = (await ann.start(plan.body.digest)).body.job_id;
    expect(await ann.job(second)).toMatchObject({ status: 'queued', blocked_by: first });
    await ann.turn('runner', from['runner'] ?? '', { stuck: false });
    expect((await ann.ended(first)).status).toBe('succeeded');
    expect((await ann.ended(second)).status).toBe('succeeded');
    await expectExactCounts();
  }, 60_000);

  it('brings the tenant back to its origin when cancelled before the placement update', async () => {
    const tenant = tenants[8] ?? '';
    const from = await ann.placementOf(tenant);
    await ann.turn('runner', from['runner'] ?? '', { stuck: true });
    const jobId = await ann.migrate(tenant, await ann.elsewhere(tenant));
    await ann.stepReaches(jobId, 'wait-drained', 'running');
    expect((await ann.post(`/admin/v1/jobs/${jobId}/cancel`, { reason: 'not today' })).status).toBe(202);
    await ann.turn('runner', from['runner'] ?? '', { stuck: false });
    const job = await ann.ended(jobId);
    expect(job.status).toBe('cancelled');
    expect(await ann.placementOf(tenant)).toEqual(from);
    const before = (await ann.report()).tenants[tenant]?.applied ?? 0;
    await eventuallyHolds(
      async () => {
        expect((await ann.report()).tenants[tenant]?.applied ?? 0).toBeGreaterThan(before + 5);
      },
      { timeoutMs: 20_000, what: 'the tenant to be served at its origin' },
    );
    await expectExactCounts();
  }, 60_000);

  it('brings the tenant back to its origin when its target counts another copy than was handed over', async () => {
    const tenant = tenants[9] ?? '';
    const [from, to] = [await ann.placementOf(tenant), await ann.elsewhere(tenant)];
    await ann.turn('projection', to['projection'] ?? '', { breaks: ['H8'] });
    const job = await ann
      .ended(await ann.migrate(tenant, to))
      .finally(() => ann.turn('projection', to['projection'] ?? '', { breaks: [] }));
    expect(job).toMatchObject({ status: 'failed', error: { code: 'tenant_state', step: 'verify-copy' } });
    expect(job.error?.message).toContain(`the copy on projection ${to['projection'] ?? ''} is not the one handed over`);
    expect(await ann.placementOf(tenant)).toEqual(from);
    await expectExactCounts();
    expect((await ann.ended(await ann.migrate(tenant, to))).status).toBe('succeeded');
    await expectExactCounts();
  }, 90_000);
});

describe('what is not safe is blocked, and changes nothing', () => {
  it('an unhealthy target', async () => {
    const tenant = tenants[9] ?? '';
    const to = await ann.elsewhere(tenant);
    await ann.turn('runner', to['runner'] ?? '', { health: 'unhealthy' });
    try {
      const before = await world();
      const plan = await ann.plan(tenant, to);
      expect(plan.status).toBe(201);
      expect(plan.body.checks.find((check) => check.name === 'runner.target_healthy')).toMatchObject({
        verdict: 'block',
        limit: 'healthy',
      });
      const refused = await ann.start(plan.body.digest);
      expect(refused).toMatchObject({ status: 409, body: { code: 'plan_blocked', status: 409 } });
      expect(refused.headers.get('content-type')).toContain('application/problem+json');
      expect(await world()).toEqual(before);
    } finally {
      await ann.turn('runner', to['runner'] ?? '', { health: 'healthy' });
    }
  }, 60_000);

  it('a lag that is too high', async () => {
    const tenant = tenants[9] ?? '';
    const to = await ann.elsewhere(tenant);
    await ann.turn('projection', to['projection'] ?? '', { stuck: true });
    try {
      const plan = await eventually(
        async () => {
          const answer = await ann.plan(tenant, to);
          expect(answer.body.checks.find((check) => check.name === 'projection.target_lag')).toMatchObject({ verdict: 'block' });
          return answer;
        },
        { timeoutMs: 60_000, intervalMs: 500, what: 'the lag to be seen' },
      );
      const placement = await ann.placementOf(tenant);
      expect(await ann.start(plan.body.digest)).toMatchObject({ status: 409, body: { code: 'plan_blocked' } });
      expect(await ann.placementOf(tenant)).toEqual(placement);
    } finally {
      await ann.turn('projection', to['projection'] ?? '', { stuck: false });
    }
  }, 90_000);

  it('an unknown tenant, an unknown shard, no reason, a shard of another kind, where it already is', async () => {
    const tenant = tenants[9] ?? '';
    const to = await ann.elsewhere(tenant);
    const before = await world();
    expect(await ann.plan('nobody', to)).toMatchObject({ status: 404, body: { code: 'tenant_not_found' } });
    expect(await ann.plan(tenant, { runner: 'runner-99' })).toMatchObject({ status: 404, body: { code: 'shard_not_found' } });
    expect(await ann.plan(tenant, { runner: to['aggregate'] ?? '' })).toMatchObject({ status: 404, body: { code: 'shard_not_found' } });
    expect(await ann.plan(tenant, to, { reason: ' ' })).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    const plan = await ann.plan(tenant, to);
    expect(await ann.start(plan.body.digest, { reason: '' })).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    const here = await ann.plan(tenant, await ann.placementOf(tenant));
    expect(await ann.start(here.body.digest)).toMatchObject({ status: 409, body: { code: 'plan_blocked' } });
    expect(await world()).toEqual(before);
  }, 60_000);
});

describe('one correlation id', () => {
  it('finds the log lines, the job, its steps, its events and its audit rows', async () => {
    const tenant = tenants[10] ?? '';
    const correlationId = `e2e-${tenant}-${String(Date.now())}`;
    const jobId = await ann.migrate(tenant, await ann.elsewhere(tenant), { 'x-correlation-id': correlationId });
    expect((await ann.ended(jobId)).correlation_id).toBe(correlationId);
    const jobs = await ann.get<{ items: Job[] }>(`/admin/v1/jobs?correlation_id=${correlationId}`);
    expect(jobs.body.items.map((job) => job.job_id)).toEqual([jobId]);
    const audit = await eventually(
      async () => {
        const { body } = await ann.get<{
          items: { action: string; job_id: string | null; principal: string; reason: string | null; step: string | null }[];
        }>(`/admin/v1/audit?correlation_id=${correlationId}&limit=200`);
        expect(body.items.map((row) => row.action)).toContain('job.job_succeeded');
        return body.items;
      },
      { timeoutMs: 10_000, what: 'the audit trail to reach the end of the job' },
    );
    const actions = new Set(audit.map((row) => row.action));
    for (const action of [
      'plan.plan_created',
      'job.job_queued',
      'job.step_succeeded',
      'placement_map.tenant_moved',
      'service_command.command_issued',
    ])
      expect(actions).toContain(action);
    expect(new Set(audit.map((row) => row.principal)).size).toBe(1);
    const logs = readLogs(stack.stateDir).filter((line) => line.includes(correlationId));
    expect(logs.length).toBeGreaterThan(0);
    const events = await streamOf(`${stack.url}/admin/v1/jobs/${jobId}/events`);
    expect(events.at(-1)).toBe('job_succeeded');
    expect(events.filter((type) => type === 'step_succeeded')).toHaveLength(10);
  }, 60_000);

  it('and no log line holds a password, a token or a key', () => {
    const { password } = stack.firstAdmin();
    const lines = readLogs(stack.stateDir).join('\n');
    expect(lines.length).toBeGreaterThan(1_000);
    expect(lines).not.toContain(password);
    expect(lines).not.toMatch(/Bearer [A-Za-z0-9]|eyJ[A-Za-z0-9_-]{10,}\./);
    for (const file of readdirSync(join(stack.stateDir, 'secrets'))) {
      const secret = readFileSync(join(stack.stateDir, 'secrets', file), 'utf8').trim();
      if (!secret.startsWith('{')) expect(lines).not.toContain(secret);
    }
  });

  async function streamOf(url: string): Promise<string[]> {
    const login = await send<{ access_token: string }>(`${stack.url}/admin/v1/auth/login`, {
      method: 'POST',
      body: { ...stack.firstAdmin() },
    });
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${login.body.access_token}` },
      signal: AbortSignal.timeout(20_000),
    });
    return [...(await response.text()).matchAll(/^event: (.+)$/gm)].map((match) => match[1] ?? '');
  }
});

function readLogs(stateDir: string): string[] {
  const dir = join(stateDir, 'logs');
  return readdirSync(dir).flatMap((file) => readFileSync(join(dir, file), 'utf8').split('\n'));
}
