/** Our collector in a process of its own. */
import { setTimeout as delay } from 'node:timers/promises';
import { observeFleet, probeEndpoint } from '@fairlead/fleet-observer';
import { createOutbound, defaultAllowedCidrs } from '@fairlead/outbound';
import { createLogger, Registry } from '@fairlead/telemetry';
import { openOurDatabase } from '../log/database.js';

export interface CollectOptions {
  readonly urls: readonly string[];
  readonly intervalMs: number;
  readonly metricsIntervalMs: number;
  /** How long is measured. */
  readonly windowMs: number;
}

export interface Collected {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

/** Measures the process itself over the window. */
export async function overWindow(windowMs: number): Promise<Collected> {
  const before = process.cpuUsage();
  await delay(windowMs);
  const { user, system } = process.cpuUsage(before);
  return { cpuSeconds: (user + system) / 1e6, rssBytes: process.memoryUsage.rss() };
}

/** Starts the observer's collector, waits until all were asked once, and measures. */
export async function prepareOurs(options: CollectOptions & { databaseUrl: string }): Promise<() => Promise<Collected>> {
  const database = await openOurDatabase(options.databaseUrl, { schema: 'fleet_observer' });
  const outbound = createOutbound({ allowedCidrs: defaultAllowedCidrs });
  const endpoints = options.urls.map((url, n) => ({ kind: 'runner', shardId: `runner-${String(n)}`, endpointId: 'e1', url }));
  const version = { epoch: 1, revision: 1 };
  const observation = await observeFleet({
    database,
    source: { all: () => Promise.resolve({ endpoints, version }), ofShard: () => Promise.resolve({ endpoints: [], version }) },
    probe: (endpoint, request) => probeEndpoint({ outbound, timeoutMs: 2_000 }, endpoint, request),
    intervalMs: options.intervalMs,
    metricsIntervalMs: options.metricsIntervalMs,
    concurrency: 256,
    rules: {
      stability: { changes: 6, halfLifeMs: 120_000, restarts: 3, restartWindowMs: 600_000 },
      history: { perEndpoint: 200, days: 30 },
    },
    onAppended: () => undefined,
    logger: createLogger({ service: 'bench', level: 'silent' }),
    registry: new Registry(),
  });
  observation.start();
  // What is new is asked at once; the turns begin behind it.
  await delay(options.intervalMs * 1.5);
  return async () => {
    const collected = await overWindow(options.windowMs);
    const { endpoints: seen, takenAt } = await observation.snapshot(0);
    const wrong = [...seen.values()].filter(({ ready, version, problem }) => !ready || version !== '1.4.0' || problem !== '');
    if (seen.size !== endpoints.length || wrong.length > 0)
      throw new Error(`${String(wrong.length)} of ${String(seen.size)} endpoints are not well`);
    const ageMs = Date.now() - (takenAt?.getTime() ?? 0);
    if (ageMs > options.intervalMs * 1.5) throw new Error(`the snapshot is ${String(ageMs)} ms old`);
    return collected;
  };
}
