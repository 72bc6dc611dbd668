/** Appending in a process of its own: so many callers, each waiting for its append before it makes the next. */
import { percentile } from '../figures.js';
import { openStore, type StoreName } from './stores.js';

export interface AppendingOptions {
  store: StoreName;
  url: string;
  /** Where readers are poked after each commit; left out for none. */
  natsUrl?: string;
  /** Callers in this process. */
  appenders: number;
  /** Names this process's streams apart from others'. */
  label: string;
  ms: number;
}

export interface Appended {
  /** Appends that were measured. */
  count: number;
  /** All that this process made, warming up included. */
  total: number;
  elapsedMs: number;
  p50Ms: number;
  p99Ms: number;
}

/** Events to a stream: aggregates are many and short. */
const streamLength = 50;
const warmUpMs = 400;

/** Opens the store and warms up; what it answers measures. */
export async function prepareAppending(options: AppendingOptions): Promise<() => Promise<Appended>> {
  const store = await openStore(options);
  const times: number[] = [];
  let total = 0;
  const callFor = async (caller: number, until: number, phase: string) => {
    for (let n = 0; performance.now() < until; n += 1) {
      const since = performance.now();
      await store.append(`${options.label}_${phase}_${String(caller)}_${String(Math.floor(n / streamLength))}`, n % streamLength);
      times.push(performance.now() - since);
      total += 1;
    }
  };
  const all = async (ms: number, phase: string) => {
    const until = performance.now() + ms;
    await Promise.all(Array.from({ length: options.appenders }, (_, caller) => callFor(caller, until, phase)));
  };
  await all(warmUpMs, 'w');
  const warmedUp = total;
  return async () => {
    times.length = 0;
    const since = performance.now();
    await all(options.ms, 'm');
    const elapsedMs = performance.now() - since;
    await store.close();
    return { count: total - warmedUp, total, elapsedMs, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
  };
}
