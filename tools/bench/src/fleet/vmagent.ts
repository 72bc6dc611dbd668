/** vmagent, scraping the same endpoints. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuUs } from '../log/cpu.js';
import type { BenchRun } from '../run.js';
import type { CollectOptions } from './ours.js';

/** CPU seconds of the window; `begin` is called when it begins. */
export async function runVmagent(
  run: BenchRun,
  given: { program: string; receiver: string; options: CollectOptions; begin: () => Promise<void>; end: () => Promise<void> },
): Promise<number> {
  const { urls, intervalMs, metricsIntervalMs, windowMs } = given.options;
  const folder = join(run.folder, 'vmagent');
  mkdirSync(folder, { recursive: true });
  const targets = [{ targets: urls.map((url) => new URL(url).host) }];
  const job = (name: string, ms: number) => {
    const interval = `${String(ms / 1_000)}s`;
    return { job_name: name, metrics_path: `/${name}`, scrape_interval: interval, scrape_timeout: '2s', static_configs: targets };
  };
  const config = { scrape_configs: [job('health', intervalMs), job('ready', intervalMs), job('metrics', metricsIntervalMs)] };
  writeFileSync(join(folder, 'scrape.json'), JSON.stringify(config));
  const agent = spawn(
    given.program,
    [
      `-promscrape.config=${join(folder, 'scrape.json')}`,
      `-remoteWrite.url=${given.receiver}/write`,
      `-remoteWrite.tmpDataPath=${join(folder, 'data')}`,
      '-httpListenAddr=127.0.0.1:0',
      '-loggerLevel=ERROR',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = once(agent, 'exit');
  try {
    // Its scrapes are spread over the interval from its start on: afterwards all were asked once.
    await delay(metricsIntervalMs + intervalMs / 2);
    await given.begin();
    const before = cpuUs(agent.pid ?? NaN);
    await delay(windowMs);
    const used = cpuUs(agent.pid ?? NaN) - before;
    await given.end();
    if (agent.exitCode !== null) throw new Error('vmagent has ended');
    return used / 1e6;
  } finally {
    agent.kill('SIGKILL');
    await ended;
  }
}
