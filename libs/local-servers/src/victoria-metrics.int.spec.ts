import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, recordServer, testFolder } from '@fairlead/testing';
import { findVictoriaMetrics, isAlive, startVictoriaMetrics, type RunningVictoriaMetrics, type ScrapeTarget } from './index.js';

const lines: string[] = [];
const log = (line: string) => lines.push(line);
let program: string;

beforeAll(() => {
  const found = findVictoriaMetrics({ log });
  if ('missing' in found) throw new Error(found.missing);
  program = found.server;
}, 300_000);

async function start(dir: string, targets: readonly ScrapeTarget[] = []): Promise<RunningVictoriaMetrics> {
  const server = await startVictoriaMetrics({ program, dir, targets, scrapeIntervalSeconds: 1, settleSeconds: 1, log });
  recordServer({ pid: server.pid, signal: 'SIGTERM' });
  return server;
}

/** A service whose only metric is one number. */
async function service(path: string, value: number): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    response.statusCode = request.url === path ? 200 : 404;
    response.end(`answer ${String(value)}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${String(port)}`, close: () => server.close() };
}

async function answers(server: RunningVictoriaMetrics): Promise<Record<string, string>> {
  const response = await fetch(`${server.url}/api/v1/query?query=answer`);
  const { data } = (await response.json()) as { data: { result: { metric: { who: string }; value: [number, string] }[] } };
  return Object.fromEntries(data.result.map(({ metric, value }) => [metric.who, value[1]]));
}

describe('startVictoriaMetrics', () => {
  it('scrapes what it is told to, with its labels, and from then on what it is told later', async () => {
    const [plain, below] = [await service('/metrics', 1), await service('/base/metrics', 2)];
    const server = await start(testFolder('local-vm'), [{ url: plain.url, labels: { who: 'plain' } }]);
    await eventually(async () => (await answers(server))['plain'] === '1', { what: 'the first sample', timeoutMs: 60_000 });
    server.setTargets([{ url: `${below.url}/base/`, labels: { who: 'below' } }]);
    await eventually(async () => (await answers(server))['below'] === '2', { what: 'the sample of the second', timeoutMs: 60_000 });
    await server.stop();
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    plain.close();
    below.close();
  }, 150_000);

  it('ends the server that a killed run left on the same folder', async () => {
    const dir = testFolder('local-vm');
    const left = await start(dir);
    const next = await start(dir);
    expect(lines).toContain(`Stopping the VictoriaMetrics (pid ${String(left.pid)}) that an earlier run left`);
    expect(isAlive(left.pid)).toBe(false);
    await next.stop();
  }, 90_000);

  it('refuses a port that is taken', async () => {
    const blocker = await service('/', 0);
    const port = Number(new URL(blocker.url).port);
    const refused = startVictoriaMetrics({
      program,
      dir: testFolder('local-vm'),
      port,
      targets: [],
      scrapeIntervalSeconds: 1,
      settleSeconds: 1,
      log,
    });
    await expect(refused).rejects.toThrow(`Port ${String(port)} of 127.0.0.1, meant for VictoriaMetrics, is taken`);
    blocker.close();
  });
});
