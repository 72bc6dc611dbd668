/** The built command line, whose results nobody reads to the end: `fairlead … | head -1`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const finding = { position: 7, kind: 'event_missing', message: 'position 7 is missing', advice: 'restore a backup' };

/** Answers the check of a log: two ranges, the second one once the pipe is closed. */
let findings: object[];
let closed: Promise<void>;
let close: () => void;
const server = createServer((request, response) => {
  request.resume();
  void (async () => {
    const first = asked++ === 0;
    if (!first) await closed;
    const range = first ? { from: 1, to: 20, next: 21 } : { from: 21, to: 40, next: null };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ...range, head: 40, findings: first ? findings : [], stream_compared: 20, stream_problem: null }));
  })();
});
let asked: number;

beforeEach(async () => {
  asked = 0;
  closed = new Promise((resolve) => {
    close = resolve;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Runs it, closes its output after the first piece, or before there is any; answers the exit code and the errors. */
async function run(args: readonly string[], afterFirst: boolean): Promise<{ code: number; err: string }> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const child = spawn(process.execPath, [join(root, 'apps/cli/bin/fairlead.mjs'), ...args], {
    env: { ...process.env, FAIRLEAD_URL: url, FAIRLEAD_TOKEN: 'token-1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', (text: Buffer) => (err += text.toString()));
  if (afterFirst) await once(child.stdout, 'data');
  child.stdout.destroy();
  close();
  const [code] = (await once(child, 'close')) as [number];
  return { code, err };
}

it('a check fails with its findings when they are not read to the end', async () => {
  findings = Array.from({ length: 200 }, (_, n) => ({ ...finding, position: n + 1, message: 'x'.repeat(5_000) }));
  const { code, err } = await run(['log', 'verify'], true);
  expect([code, err]).toEqual([1, expect.not.stringContaining('    at ')]);
});

it('a check fails with its findings when nothing is read, also as JSON', async () => {
  findings = [finding];
  expect((await run(['log', 'verify'], false)).code).toBe(1);
  asked = 0;
  expect((await run(['log', 'verify', '-o', 'json'], false)).code).toBe(1);
});

it('a check that finds nothing succeeds, read or not', async () => {
  findings = [];
  const { code, err } = await run(['log', 'verify'], false);
  expect([code, err]).toEqual([0, expect.not.stringContaining('    at ')]);
});
