/** VictoriaMetrics beside the stack: it scrapes the services, and every endpoint of the managed platform that is registered. */
import { join } from 'node:path';
import { controlPlaneServices, describeError } from '@fairlead/contracts';
import { findVictoriaMetrics, startVictoriaMetrics, type RunningVictoriaMetrics, type ScrapeTarget } from '@fairlead/local-servers';
import { z } from 'zod';
import { readJsonObject } from './files.js';
import { keepServer, type KeptServer } from './kept-server.js';

export interface MetricsOptions {
  /** 10 when not given. */
  readonly scrapeIntervalSeconds?: number;
}

/** What is younger is not asked for: samples of a moment come in for as long as this. */
export const settleSeconds = 5;
const followEveryMs = 2_000;

const routing = z.object({
  shards: z.record(
    z.string(),
    z.record(z.string(), z.object({ endpoints: z.array(z.object({ endpoint_id: z.string(), url: z.string() })) })),
  ),
});

/**
 * Starts it and keeps it running. Nothing needs it: where its program can't be had, or it does not come up, that is said, and
 * undefined is the answer.
 */
export async function startMetrics(given: {
  readonly stateDir: string;
  readonly port: number | undefined;
  /** Where each of the services answers HTTP. */
  readonly services: Readonly<Record<string, string>>;
  readonly options: MetricsOptions;
  readonly log: (line: string) => void;
  readonly onPid: (pid: number | undefined) => void;
}): Promise<KeptServer<RunningVictoriaMetrics> | undefined> {
  const { stateDir, port, log, onPid } = given;
  const found = findVictoriaMetrics({ log, impatient: true });
  if ('missing' in found) {
    log(`Without metrics of the past. ${found.missing}`);
    return undefined;
  }
  const targets = () => [...serviceTargets(given.services), ...endpointTargets(readJsonObject(join(stateDir, 'config/routing/dev.json')))];
  const start = () =>
    startVictoriaMetrics({
      program: found.server,
      dir: join(stateDir, 'victoria-metrics'),
      port,
      targets: targets(),
      scrapeIntervalSeconds: given.options.scrapeIntervalSeconds ?? 10,
      settleSeconds,
      log,
    });
  try {
    const server = await keepServer({ name: 'VictoriaMetrics', start, log, onPid });
    log(`VictoriaMetrics is ready on port ${String(server.current().port)}`);
    const following = follow(targets, (now) => {
      server.current().setTargets(now);
    });
    return {
      ...server,
      stop: () => {
        clearInterval(following);
        return server.stop();
      },
    };
  } catch (error) {
    log(`Without metrics of the past: ${describeError(error)}`);
    return undefined;
  }
}

/** Tells of targets that are others than the last ones. */
function follow(targets: () => ScrapeTarget[], tell: (targets: ScrapeTarget[]) => void): NodeJS.Timeout {
  let told = '';
  return setInterval(() => {
    const now = targets();
    const text = JSON.stringify(now);
    if (text !== told) tell(now);
    told = text;
  }, followEveryMs).unref();
}

function serviceTargets(services: Readonly<Record<string, string>>): ScrapeTarget[] {
  return controlPlaneServices.flatMap((service) => {
    const url = services[service];
    return url === undefined ? [] : [{ url, labels: { service } }];
  });
}

/** The registered endpoints, as the placement service writes them for development. Empty while there is no such file. */
export function endpointTargets(document: unknown): ScrapeTarget[] {
  const { data } = routing.safeParse(document);
  return Object.entries(data?.shards ?? {}).flatMap(([kind, shards]) =>
    Object.entries(shards).flatMap(([shard, { endpoints }]) =>
      endpoints
        .filter(({ url }) => /^https?:\/\//.test(url) && URL.canParse(url))
        .map(({ endpoint_id: endpoint, url }) => ({ url, labels: { kind, shard, endpoint } })),
    ),
  );
}
