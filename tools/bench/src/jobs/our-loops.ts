/** Our periodic checks. */
import { setTimeout as pause } from 'node:timers/promises';
import { createLoopMetrics, startLoops } from '@fairlead/job-orchestrator/engine';
import { logger, openJobDatabase, registry } from './engines/ours.js';
import { graceMs, type Ticked, type TickingOptions } from './ticking.js';

/** Rows of a loop, first due somewhere within an interval, then every interval. */
export async function prepareOurLoops({ url, checks, intervalMs, ms }: TickingOptions): Promise<() => Promise<Ticked>> {
  const db = await openJobDatabase(url);
  const keys = Array.from({ length: checks }, (_, n) => `check-${String(n)}`);
  const first = new Map<string, number>();
  const turns = new Map<string, number>();
  return async () => {
    const begun = performance.now();
    const loops = startLoops({
      db,
      kinds: [
        {
          kind: 'bench',
          intervalMs,
          batch: 1_000,
          timeoutMs: 10_000,
          keys: () => Promise.resolve(keys),
          check: (rows) => {
            for (const { key } of rows) {
              if (!first.has(key)) first.set(key, performance.now());
              turns.set(key, (turns.get(key) ?? 0) + 1);
            }
            return Promise.resolve(new Map(rows.map(({ key }) => [key, undefined])));
          },
        },
      ],
      logger,
      metrics: createLoopMetrics(registry()),
      onAppended: () => undefined,
      pollMs: 500,
    });
    await pause(ms);
    const end = performance.now() - graceMs;
    const rssBytes = process.memoryUsage.rss();
    // Each is due within an interval, and from then on once in an interval.
    const due = (key: string) => Math.max(0, Math.floor((end - (first.get(key) ?? begun + intervalMs)) / intervalMs) + 1);
    const missed = keys.reduce((sum, key) => sum + Math.max(0, due(key) - (turns.get(key) ?? 0)), 0);
    await loops.stop();
    await db.close();
    return { turns: [...turns.values()].reduce((sum, count) => sum + count, 0), missed, rssBytes };
  };
}
