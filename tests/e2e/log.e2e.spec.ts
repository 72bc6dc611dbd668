/** The event log of a whole stack, looked into from the command line. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventuallyHolds, testFolder } from '@fairlead/testing';
import { Operator } from './support/operator.js';

const root = join(import.meta.dirname, '../..');
let stack: Stack;
let ann: Operator;
let tenant: string;
let token: string;

beforeAll(async () => {
  stack = await startStack({ stateDir: testFolder('stack'), port: 0, separate: false, sim: true, log: () => undefined });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants');
  tenant = body.items[0]?.tenant_id ?? '';
  const made = await ann.post<{ token: string }>('/admin/v1/api-tokens', { name: 'log', roles: ['admin'] });
  ({ token } = made.body);
}, 180_000);

afterAll(async () => {
  await stack.stop();
}, 60_000);

async function fairlead(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [join(root, 'apps/cli/bin/fairlead.mjs'), ...args], {
    env: { ...process.env, FAIRLEAD_URL: stack.url, FAIRLEAD_TOKEN: token },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

describe('the log', () => {
  it('shows what a job did, to the tenant and by itself, live and afterwards', async () => {
    const tail = fairlead('log', 'tail', '--tenant', tenant, '--cursor', '0', '--types', 'job.*', '--count', '2', '-o', 'json');
    const jobId = await ann.migrateSoon(tenant, await ann.elsewhere(tenant));
    await ann.ended(jobId);
    const told = (await tail).out.trimEnd().split('\n');
    expect(told.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(['job_queued', expect.stringMatching(/^job_/)]);

    const shown = await fairlead('log', 'show', '--aggregate', `job:${jobId}`, '--oldest', '-o', 'json');
    const { items } = JSON.parse(shown.out) as { items: { position: number; type: string; version: number }[] };
    expect([items[0]?.type, items.at(-1)?.type]).toEqual(['job_queued', 'job_succeeded']);
    expect(items.map(({ version }) => version)).toEqual(items.map((_, index) => index + 1));
    expect((await fairlead('log', 'show', String(items[0]?.position))).out).toContain('job.job_queued');
    await eventuallyHolds(
      async () => {
        const { out } = await fairlead('aggregate', 'show', `job:${jobId}`);
        expect(out).toMatch(new RegExp(`version\\s+${String(items.length)}\\n`));
      },
      { what: 'the summary to reach the end of the job' },
    );
  }, 90_000);

  it('is whole, equals its stream, and nothing is stuck', async () => {
    expect((await fairlead('log', 'stats')).out).toContain('audit_record');
    const verified = await fairlead('log', 'verify');
    expect(verified).toMatchObject({ code: 0, out: expect.stringContaining('all is well'), err: '' });
    expect(await fairlead('stuck')).toMatchObject({ code: 0, out: 'nothing is stuck\n', err: '' });
  }, 90_000);

  it('rebuilds a projection while it serves, and tells who decided', async () => {
    const rebuilt = await fairlead('projection', 'rebuild', 'audit_record', '--reason', 'a drill', '--wait', '--timeout', '60s');
    expect(rebuilt).toMatchObject({ code: 0, out: 'projection audit_record serves epoch 2 now\n' });
    expect(await fairlead('projection', 'pause', 'nobody', '--reason', 'x')).toMatchObject({ code: 4 });
    await eventuallyHolds(
      async () => {
        expect((await fairlead('audit', 'list', '--action', 'projection')).out).toMatch(/projection\.rebuild_requested.*a drill/);
      },
      { what: 'the trail to tell of it' },
    );
  }, 90_000);
});
