import type { ClusterHealth, ClusterStats, EndpointHappening } from '../fleet-api.js';
import { fields, table } from './table.js';

/** How the platform is, why, and how each service is. */
export function renderHealth(health: ClusterHealth): string {
  const { endpoints, shards } = health;
  const head = fields([
    ['state', health.state],
    ['shards', `${count(shards?.total)}, ${count(shards?.without_ready_endpoint)} without a ready endpoint`],
    ['endpoints', `${count(endpoints?.total)}, ${count(endpoints?.ready)} ready, ${count(endpoints?.unsteady)} not steady`],
    ['asked', ago(endpoints?.age_ms)],
  ]);
  const reasons = table(
    ['severity', 'reason', 'of', 'seen', 'detail'],
    health.reasons.map(({ severity, code, subject, age_ms: age, detail }) => [severity, code, subject, ago(age), detail]),
  );
  const more = (health.more_reasons ?? 0) > 0 ? `and ${count(health.more_reasons)} more\n` : '';
  const services = table(
    ['service', 'status', 'asked', 'problem'],
    (health.services ?? []).map(({ service, status, age_ms: age, problem }) => [service, status, ago(age), problem]),
  );
  return [
    head,
    ...(health.reasons.length > 0 ? [`${reasons}${more}`] : []),
    ...((health.services ?? []).length > 0 ? [services] : []),
  ].join('\n');
}

const columns = ['cpu', 'memory', 'request_rate', 'error_rate', 'latency_p99'] as const;

/** The pillars of each kind and service; a dash for what is not known. */
export function renderStats(stats: ClusterStats): string {
  const head = fields([
    ['as of', stats.at],
    ['source', stats.source?.url],
    ['problem', stats.source?.problem],
  ]);
  const rows = [
    ...(stats.kinds ?? []).map(({ kind, pillars }) => [kind, ...cells(pillars)]),
    ...(stats.services ?? []).map(({ service, pillars }) => [service, ...cells(pillars)]),
  ];
  return `${head}\n${table(['of', 'cpu (cores)', 'memory', 'requests/s', 'errors', 'p99'], rows)}`;
}

type Pillars = NonNullable<NonNullable<ClusterStats['kinds']>[number]['pillars']>;

function cells(pillars: Pillars | null | undefined): (string | undefined)[] {
  return columns.map((name) => {
    const value = pillars?.find(({ pillar }) => pillar === name)?.value;
    return value == null ? undefined : texts[name](value);
  });
}

const texts: Readonly<Record<(typeof columns)[number], (value: number) => string>> = {
  cpu: (cores) => cores.toFixed(2),
  memory: (bytes) => `${(bytes / 1024 ** 2).toFixed(0)} MiB`,
  request_rate: (perSecond) => perSecond.toFixed(perSecond < 10 ? 2 : 0),
  error_rate: (share) => `${(share * 100).toFixed(share > 0 && share < 0.001 ? 3 : 1)} %`,
  latency_p99: (seconds) => `${(seconds * 1_000).toFixed(seconds < 0.01 ? 1 : 0)} ms`,
};

/** What happened to an endpoint. */
export function renderHistory(items: readonly EndpointHappening[]): string {
  return table(
    ['time', 'what', 'from', 'to', 'problem'],
    items.map(({ at, what, from, to, problem }) => [at, what, from, to, problem]),
  );
}

function ago(ageMs: number | null | undefined): string | undefined {
  return ageMs == null ? undefined : `${(ageMs / 1_000).toFixed(1)} s ago`;
}

function count(value: number | null | undefined): string {
  return value == null ? '-' : String(value);
}
