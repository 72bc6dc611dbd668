import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { findVictoriaMetrics, startVictoriaMetrics, type RunningVictoriaMetrics, type ScrapeTarget } from '@fairlead/local-servers';
import { recordServer, testFolder } from './run.js';

export interface TestVictoriaMetrics {
  readonly url: string;
  /** Asks as anybody would: the number a query answers as of a moment, undefined when it answers none. */
  number(query: string, atSeconds: number): Promise<number | undefined>;
  stop(): Promise<void>;
}

const log = () => undefined;

/** How late samples may come in: what is older stays as it is. */
export const testSettleMs = 2_000;

/** The program, fetched when it is not there. Stacks that are started later find it. Throws an Error that says how to get it. */
export function victoriaMetricsProgram(): string {
  return programs().server;
}

function programs() {
  const found = findVictoriaMetrics({ log });
  if ('missing' in found) throw new Error(found.missing);
  return found;
}

/**
 * A vmagent that scrapes as a file of scrape configuration says, and sends what it reads to a VictoriaMetrics. Answers how to stop it.
 * @throws Error that says how to get it
 */
export async function testMetricsAgent(given: { readonly scrapeConfig: string; readonly receiver: string }): Promise<() => Promise<void>> {
  const agent = spawn(
    programs().agent,
    [
      `-promscrape.config=${given.scrapeConfig}`,
      `-remoteWrite.url=${given.receiver}/api/v1/write`,
      `-remoteWrite.tmpDataPath=${join(testFolder('vmagent'), 'data')}`,
      '-httpListenAddr=127.0.0.1:0',
      '-loggerLevel=ERROR',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await once(agent, 'spawn');
  recordServer({ pid: agent.pid ?? NaN, signal: 'SIGTERM' });
  const ended = once(agent, 'exit');
  return async () => {
    agent.kill('SIGTERM');
    await ended;
  };
}

/**
 * A VictoriaMetrics of its own that scrapes the targets each second. It is fetched from Debian's packages when it is not there.
 * @throws Error that says how to get it
 */
export async function testVictoriaMetrics(targets: readonly ScrapeTarget[]): Promise<TestVictoriaMetrics> {
  const program = victoriaMetricsProgram();
  const dir = testFolder('victoria-metrics');
  const settleSeconds = testSettleMs / 1_000;
  const server: RunningVictoriaMetrics = await startVictoriaMetrics({
    ...{ program, dir, targets, log },
    ...{ scrapeIntervalSeconds: 1, settleSeconds },
  });
  recordServer({ pid: server.pid, signal: 'SIGTERM' });
  return { url: server.url, number: (query, atSeconds) => metricsAnswer(server.url, query, atSeconds), stop: () => server.stop() };
}

/** What a VictoriaMetrics answers to a query as of a moment, as one number; undefined when it answers none. */
export async function metricsAnswer(url: string, query: string, atSeconds: number): Promise<number | undefined> {
  const parameters = new URLSearchParams({ query, time: String(atSeconds) }).toString();
  const response = await fetch(`${url}/api/v1/query?${parameters}`, { signal: AbortSignal.timeout(10_000) });
  const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
  const value = Number(data.result[0]?.value[1] ?? NaN);
  return Number.isFinite(value) ? value : undefined;
}
