/** Services as processes of their own: worked with from the command line, and killed in the middle of their work. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventually, eventuallyHolds, testFolder } from '@fairlead/testing';
import { Operator, type Job } from './support/operator.js';

const root = join(import.meta.dirname, '../..');
let stack: Stack;
let ann: Operator;
let tenants: string[];
let cliHome: string;

beforeAll(async () => {
  cliHome = testFolder('cli');
  stack = await startStack({
    stateDir: testFolder('stack'),
    port: 0,
    separate: true,
    sim: true,
    log: () => undefined,
  });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants');
  tenants = body.items.map((tenant) => tenant.tenant_id);
}, 180_000);

afterAll(async () => {
  await stack.stop();
}, 60_000);

/** Runs the command line as an operator would, and answers what it printed. */
async function fairlead(
  args: string[],
  input = '',
  env: Record<string, string> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [join(root, 'apps/cli/bin/fairlead.mjs'), ...args], {
    env: { ...process.env, FAIRLEAD_CONFIG_DIR: cliHome, ...env },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

/** Plans and runs a job of a kind to its end. */
async function run(kind: string, params: Record<string, unknown>): Promise<Job> {
  const plan = await ann.post<{ digest: string }>(`/admin/v1/plan/${kind}`, { ...params, reason: 'maintenance' });
  expect(plan).toMatchObject({ status: 201 });
  const started = await ann.post<{ job_id: string }>(
    `/admin/v1/jobs/${kind}`,
    { plan_digest: plan.body.digest, reason: 'maintenance' },
    { 'idempotency-key': randomUUID() },
  );
  expect(started).toMatchObject({ status: 202 });
  return ann.ended(started.body.job_id);
}

describe('from the command line', () => {
  it('an operator logs in, plans, migrates, watches and reads who did what', async () => {
    const { email, password } = stack.firstAdmin();
    const wrong = await fairlead(['login', '--url', stack.url, '--email', email, '--password-stdin'], 'not-the-password\n');
    expect(wrong.code).toBe(3);
    expect(await fairlead(['login', '--url', stack.url, '--email', email, '--password-stdin'], `${password}\n`)).toMatchObject({ code: 0 });
    const listed = await fairlead(['tenant', 'list', '-o', 'json']);
    expect(listed.out).toContain(tenants[1]);

    const tenant = tenants[1] ?? '';
    const to = await ann.elsewhere(tenant);
    const spec = Object.entries(to)
      .map(([kind, shard]) => `${kind}=${shard}`)
      .join(',');
    const dry = await fairlead(['tenant', 'migrate', tenant, '--to', spec, '--reason', 'make room', '--dry-run']);
    expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('runner.target_healthy') });
    expect(await ann.placementOf(tenant)).not.toEqual(to);

    const done = await fairlead(['tenant', 'migrate', tenant, '--to', spec, '--reason', 'make room', '--wait', '--yes']);
    expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
    expect(done.out).toMatch(/job\s+succeeded/);
    expect(await ann.placementOf(tenant)).toEqual(to);

    const correlationId = /correlation id\s+(\S+)/.exec(done.out)?.[1] ?? '';
    await eventuallyHolds(
      async () => {
        const audit = await fairlead(['audit', 'list', '--correlation-id', correlationId]);
        expect(audit.out).toContain('job.job_succeeded');
      },
      { what: 'the trail to reach the end of the job' },
    );
    const again = await fairlead(['tenant', 'migrate', tenant, '--to', spec, '--reason', 'again', '--yes']);
    expect(again.code).toBe(5);
    expect(await fairlead(['tenant', 'show', 'nobody'])).toMatchObject({ code: 4 });
  }, 90_000);

  it('the session is refreshed, a program calls with an API token until it is revoked, and a logout ends the session', async () => {
    const { email, password } = stack.firstAdmin();
    await fairlead(['login', '--url', stack.url, '--email', email, '--password-stdin'], `${password}\n`);
    const file = join(cliHome, 'session.json');
    const session = () => JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    const before = { ...session(), access_token: 'of-no-use', expires_at: '2026-01-01T00:00:00.000Z' };
    writeFileSync(file, JSON.stringify(before));
    expect(await fairlead(['whoami'])).toMatchObject({ code: 0, out: expect.stringContaining(email) });
    expect(session()['access_token']).not.toBe('of-no-use');

    const created = await fairlead(['token', 'create', 'ci', '--role', 'operator', '-o', 'json']);
    const { token, token_id: id } = JSON.parse(created.out) as { token: string; token_id: string };
    const program = (args: string[]) => fairlead(args, '', { FAIRLEAD_TOKEN: token, FAIRLEAD_URL: stack.url, FAIRLEAD_CONFIG_DIR: root });
    const tenant = tenants[3] ?? '';
    const done = await program(['tenant', 'drain', tenant, '--reason', 'maintenance', '--wait', '--yes']);
    expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
    expect(await program(['tenant', 'resume', tenant, '--reason', 'done', '--wait', '--yes'])).toMatchObject({ code: 0 });
    const correlationId = /correlation id\s+(\S+)/.exec(done.out)?.[1] ?? '';
    await eventuallyHolds(
      async () => {
        const audit = await fairlead(['audit', 'list', '--correlation-id', correlationId]);
        expect(audit.out).toMatch(new RegExp(`job\\.job_queued .* via api-token:${id}`));
      },
      { what: 'the trail to name the token that started the job' },
    );
    expect(await fairlead(['token', 'revoke', id])).toMatchObject({ code: 0 });
    expect(await program(['whoami'])).toMatchObject({ code: 3 });

    expect(await fairlead(['logout'])).toMatchObject({ code: 0 });
    writeFileSync(file, JSON.stringify(before));
    expect(await fairlead(['whoami'])).toMatchObject({ code: 3, err: expect.stringContaining('the session has expired') });
  }, 90_000);
});

describe('the smaller jobs', () => {
  it('drain a tenant where it is, and resume it, with exact counts', async () => {
    const tenant = tenants[2] ?? '';
    expect((await run('tenant-drain', { tenant })).status).toBe('succeeded');
    const before = (await ann.report()).tenants[tenant]?.applied ?? 0;
    await ann.reportAfter(200);
    expect((await ann.report()).tenants[tenant]?.applied).toBe(before);
    expect((await run('tenant-resume', { tenant })).status).toBe('succeeded');
    await eventuallyHolds(
      async () => {
        expect((await ann.report()).tenants[tenant]?.applied ?? 0).toBeGreaterThan(before + 5);
      },
      { what: 'the tenant to be served again', timeoutMs: 20_000 },
    );
    expect(await ann.reportAfter(200)).toMatchObject({ lost: 0, doubled: 0, wrong_owner: 0 });
  }, 60_000);

  it('reload a shard', async () => {
    const job = await run('reload', { kind: 'gateway', shard: 'gateway-1' });
    expect(job).toMatchObject({ status: 'succeeded', steps: [{ name: 'preflight' }, { name: 'reload', status: 'succeeded' }] });
  }, 30_000);
});

describe('kill -9', () => {
  it('of the orchestrator in the middle of a drain: the job goes on and succeeds, counts exact', async () => {
    const tenant = tenants[0] ?? '';
    const from = await ann.placementOf(tenant);
    const to = await ann.elsewhere(tenant);
    await ann.turn('runner', from['runner'] ?? '', { stuck: true });
    const jobId = await ann.migrate(tenant, to);
    await ann.stepReaches(jobId, 'wait-drained', 'running');
    const pid = stack.pids()['job-orchestrator'] ?? 0;
    process.kill(pid, 'SIGKILL');
    await ann.turn('runner', from['runner'] ?? '', { stuck: false });
    await eventually(() => (stack.pids()['job-orchestrator'] ?? pid) !== pid, {
      timeoutMs: 30_000,
      what: 'the orchestrator to be started again',
    });
    await eventually(async () => (await ann.get(`/admin/v1/jobs/${jobId}`)).status === 200, {
      timeoutMs: 30_000,
      what: 'the orchestrator to answer',
    });
    const job = await ann.ended(jobId);
    expect({ status: job.status, error: job.error }).toEqual({ status: 'succeeded', error: null });
    expect(job.steps.find((step) => step.name === 'wait-drained')?.attempts).toBeGreaterThan(1);
    expect(await ann.placementOf(tenant)).toEqual(to);
    expect(await ann.reportAfter(200)).toMatchObject({ lost: 0, doubled: 0, wrong_owner: 0 });
  }, 120_000);
});
