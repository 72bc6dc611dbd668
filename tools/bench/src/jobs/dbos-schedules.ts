/** Schedules of DBOS. */
import { setTimeout as pause } from 'node:timers/promises';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { configureDbos } from './engines/dbos.js';
import { graceMs, type Ticked, type TickingOptions } from './ticking.js';

/** Schedules whose seconds are spread over the interval, each turn a workflow. */
export async function prepareDbosSchedules({ url, checks, intervalMs, ms }: TickingOptions): Promise<() => Promise<Ticked>> {
  const done = new Set<string>();
  const workflowFn = DBOS.registerWorkflow(
    (due: Date, check: number) => {
      done.add(`${String(check)}@${String(due.getTime())}`);
      return Promise.resolve();
    },
    { name: 'check' },
  );
  configureDbos(url, 'worker');
  await DBOS.launch();
  const every = intervalMs / 1_000;
  const schedules = Array.from({ length: checks }, (_, n) => {
    const seconds = Array.from({ length: 60 / every }, (_, turn) => (n % every) + turn * every);
    return { scheduleName: `check-${String(n)}`, workflowFn, schedule: `${seconds.join(',')} * * * * *`, context: n };
  });
  return async () => {
    await DBOS.applySchedules(schedules);
    // It looks for new schedules every second.
    const from = Date.now() + graceMs;
    await pause(ms);
    const until = Date.now() - graceMs;
    const rssBytes = process.memoryUsage.rss();
    let missed = 0;
    for (let second = Math.ceil(from / 1_000); second * 1_000 < until; second += 1)
      for (let check = second % every; check < checks; check += every)
        if (!done.has(`${String(check)}@${String(second * 1_000)}`)) missed += 1;
    return { turns: done.size, missed, rssBytes };
  };
}
