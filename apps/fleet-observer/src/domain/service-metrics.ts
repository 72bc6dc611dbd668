import { parsePrometheus, type Sample } from './prometheus.js';

/** What the fleet contract wants in a managed service's metrics. */
export interface ServiceMetrics {
  readonly version: string;
  readonly gitSha: string;
  readonly inflight: number;
  readonly lag: number;
  /** What is missing or makes no sense; empty when all is there. */
  readonly missing: readonly string[];
}

const buildInfo = '_build_info';

/**
 * Finds `<service>_build_info`, `<service>_inflight` (added up over its series) and `<service>_lag` (the highest of
 * its series). The service is the one that names itself in its build info: runtimes and libraries export build
 * infos of their own.
 */
export function readServiceMetrics(text: string): ServiceMetrics {
  const { samples } = parsePrometheus(text);
  const builds = samples.filter(({ name, labels }) => name.endsWith(buildInfo) && 'version' in labels && 'git_sha' in labels);
  const build = builds.find(namesItself) ?? builds[0];
  if (build === undefined) return { version: '', gitSha: '', inflight: 0, lag: 0, missing: ['build_info', 'inflight', 'lag'] };
  const prefix = build.name.slice(0, -buildInfo.length);
  const values = (suffix: string) => samples.filter(({ name }) => name === `${prefix}_${suffix}`).map(({ value }) => value);
  const inflight = wholeNumber(values('inflight'), (all) => all.reduce((sum, value) => sum + value, 0));
  const lag = wholeNumber(values('lag'), (all) => all.reduce((highest, value) => Math.max(highest, value), 0));
  return {
    version: build.labels['version'] ?? '',
    gitSha: build.labels['git_sha'] ?? '',
    inflight: inflight ?? 0,
    lag: lag ?? 0,
    missing: [...(inflight === undefined ? ['inflight'] : []), ...(lag === undefined ? ['lag'] : [])],
  };
}

function namesItself({ name, labels }: Sample): boolean {
  return labels['service']?.replaceAll('-', '_') === name.slice(0, -buildInfo.length);
}

function wholeNumber(values: readonly number[], combine: (values: readonly number[]) => number): number | undefined {
  if (values.length === 0) return undefined;
  const combined = Math.ceil(combine(values));
  return Number.isSafeInteger(combined) && combined >= 0 ? combined : undefined;
}
