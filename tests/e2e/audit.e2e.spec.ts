/** The audit chain of a whole stack: verified while it runs, and from files alone once it has stopped. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventuallyHolds, testFolder } from '@fairlead/testing';
import { Operator } from './support/operator.js';

const root = join(import.meta.dirname, '../..');
const folder = testFolder('audit-files');
const trail = join(folder, 'trail.jsonl');
let stack: Stack;
let token: string;
let stopped: Promise<void> | undefined;

beforeAll(async () => {
  stack = await startStack({ stateDir: testFolder('stack'), port: 0, separate: false, sim: true, log: () => undefined });
  const ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  ({ token } = (await ann.post<{ token: string }>('/admin/v1/api-tokens', { name: 'audit', roles: ['admin'] })).body);
}, 180_000);

const stop = () => (stopped ??= stack.stop());

afterAll(stop, 60_000);

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

describe('the audit chain', () => {
  it('is verified while the stack runs, and exported', async () => {
    const chain = await fairlead('audit', 'chain');
    expect([chain.code, chain.err]).toEqual([0, '']);
    expect(chain.out).toMatch(/anchors are kept in\s+file\n/);
    await eventuallyHolds(
      async () => {
        expect((await fairlead('audit', 'chain')).out).toMatch(/last anchor\s+position \d/);
      },
      { what: 'the first anchor' },
    );
    const verified = await fairlead('audit', 'verify');
    expect([verified.code, verified.err]).toEqual([0, '']);
    expect(verified.out).toMatch(/^positions 1 to \d+ are as they were recorded\n/);
    expect(await fairlead('audit', 'export', '--out', trail)).toMatchObject({ code: 0, err: '' });
    await eventuallyHolds(
      async () => {
        const listed = await fairlead('audit', 'list', '--action', 'event_log.exported', '-o', 'json');
        expect(JSON.parse(listed.out)).toMatchObject({ items: [{ principal: expect.stringMatching(/^user:/), details: { from: 1 } }] });
      },
      { what: 'the export to be in the trail' },
    );
  }, 60_000);

  it('is anchored to its end when the stack has stopped: the export is proven by files alone', async () => {
    await stop();
    const offline = (file: string) => {
      const [key, anchors] = [join(stack.stateDir, 'secrets/trust.jwks.json'), join(stack.stateDir, 'audit/anchors.jsonl')];
      // Anchors were made after the export too.
      return fairlead('audit', 'verify', '--file', file, '--key', key, '--anchors', anchors, '--allow-shorter');
    };
    const { code, out, err } = await offline(trail);
    expect([code, err]).toEqual([0, '']);
    const [, last] = /^positions 1 to (\d+) of 1 to \1 are as they were recorded\n/.exec(out) ?? [];
    expect(out).toContain(`anchored up to position ${String(last)}, by an anchor of `);
    const forged = join(folder, 'forged.jsonl');
    writeFileSync(forged, readFileSync(trail, 'utf8').replace('"user_created"', '"user_forgot"'));
    const found = await offline(forged);
    expect([found.code, found.err]).toEqual([
      1,
      expect.stringMatching(/^error: the export is not what was recorded: edited at line \d+\n$/),
    ]);
  }, 60_000);
});
