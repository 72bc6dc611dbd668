/** What a few lines make of it: each endpoint has a timer, and Node's fetch asks. */
import { setTimeout as delay } from 'node:timers/promises';
import { overWindow, type Collected, type CollectOptions } from './ours.js';

/** Starts the loops, waits until all were asked once, and measures. */
export async function prepareFetchLoop(options: CollectOptions): Promise<() => Promise<Collected>> {
  const { urls, intervalMs, metricsIntervalMs } = options;
  const ask = async (url: string) => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return answer.text();
  };
  const every = Math.round(metricsIntervalMs / intervalMs);
  for (const [n, url] of urls.entries()) {
    let turn = n;
    const take = () => {
      turn += 1;
      const paths = ['/health', '/ready', ...(turn % every === 0 ? ['/metrics'] : [])];
      void Promise.allSettled(paths.map((path) => ask(url + path)));
    };
    setTimeout(() => setInterval(take, intervalMs), (n / urls.length) * intervalMs);
  }
  await delay(intervalMs * 2.5);
  return () => overWindow(options.windowMs);
}
