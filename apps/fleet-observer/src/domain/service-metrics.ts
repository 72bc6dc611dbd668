import { parsePrometheus, type Sample } from './prometheus.js';

/** What the fleet contract wants in a managed service's metrics. */
export interface ServiceMetrics {
  /** Undefined when nothing there is the service's own. */
  readonly build: { readonly version: string; readonly gitSha: string } | undefined;
  /** Undefined, as the lag, when it is missing or makes no sense. */
  readonly inflight: number | undefined;
  readonly lag: number | undefined;
  /** When the process began, in seconds since 1970; undefined when it is not said. */
  readonly startedAtSeconds: number | undefined;
  /** What is missing or makes no sense; empty when all is there. */
  readonly missing: readonly string[];
}

const buildInfo = '_build_info';
const processStart = 'process_start_time_seconds';

/** The latest moment that JavaScript's dates know, in seconds. */
const latestSeconds = 8.64e12;

const wanted = (name: string) => name.endsWith(buildInfo) || name.endsWith('_inflight') || name.endsWith('_lag') || name === processStart;

/**
 * Finds `<service>_build_info`, `<service>_inflight` (added up over its series) and `<service>_lag` (the highest of
 * its series), and the standard `process_start_time_seconds`. The service is the one that names itself in its build
 * info: runtimes and libraries export build infos of their own.
 */
export function readServiceMetrics(text: string): ServiceMetrics {
  const { samples } = parsePrometheus(text, wanted);
  const startedAtSeconds = samples.find(({ name, value }) => name === processStart && value > 0 && value < latestSeconds)?.value;
  const builds = samples.filter(({ name, labels }) => name.endsWith(buildInfo) && 'version' in labels && 'git_sha' in labels);
  const build = builds.find(namesItself) ?? builds[0];
  if (build === undefined)
    return { build: undefined, inflight: undefined, lag: undefined, startedAtSeconds, missing: ['build_info', 'inflight', 'lag'] };
  const prefix = build.name.slice(0, -buildInfo.length);
  const values = (suffix: string) => samples.filter(({ name }) => name === `${prefix}_${suffix}`).map(({ value }) => value);
  const inflight = wholeNumber(values('inflight'), (all) => all.reduce((sum, value) => sum + value, 0));
  const lag = wholeNumber(values('lag'), (all) => all.reduce((highest, value) => Math.max(highest, value), 0));
  return {
    build: { version: build.labels['version'] ?? '', gitSha: build.labels['git_sha'] ?? '' },
    inflight,
    lag,
    startedAtSeconds,
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
