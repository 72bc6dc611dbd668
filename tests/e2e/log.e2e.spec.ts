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

const fairlead = (...args: string[]) => runProcess(process.execPath, [join(root, 'apps/cli/bin/fairlead.mjs'), ...args]);
/** `$0` is node. */
const inShell = (command: string) => runProcess('/bin/sh', ['-c', command, process.execPath]);

async function runProcess(program: string, args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(program, args, { env: { ...process.env, FAIRLEAD_URL: stack.url, FAIRLEAD_TOKEN: token } });
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

  const codes: Readonly<Record<string, number>> = { 'log show x': 2, 'aggregate show tenant:nobody': 4 };

  it.each([
    ...['log show', 'log stats', 'log verify', 'log tail --cursor 0 --count 5', 'aggregate list', 'aggregate show tenant:nobody'],
    ...['projection list', 'projection show audit_record', 'stuck', 'log show x'],
  ])(
    '%s: who reads no further than the first line is told no more',
    async (line) => {
      const piped = `"$0" "${join(root, 'apps/cli/bin/fairlead.mjs')}" ${line}`;
      for (const command of [`${piped} | head -1`, `${piped} 2>&1 | head -1`]) {
        const { out, err } = await inShell(command);
        expect(out.split('\n').length).toBeLessThanOrEqual(2);
        expect(out + err).not.toMatch(/\n\s+at |EPIPE|Unhandled/);
      }
      // Nobody reads the errors: the exit code is what it is.
      const { out } = await inShell(`exec 3>&1; (${piped} 2>&1 >/dev/null; echo "$?" >&3) | true`);
      expect(Number(out)).toBe(codes[line] ?? 0);
    },
    60_000,
  );

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
