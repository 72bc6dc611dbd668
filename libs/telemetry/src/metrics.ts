import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

export { Registry } from 'prom-client';

/** Makes a service's own metrics registry with `fairlead_build_info{service,version,git_sha} 1`. */
export function createMetrics(options: { service: string; version: string; gitSha: string; processMetrics?: boolean }): Registry {
  const registry = new Registry();
  new Gauge({
    name: 'fairlead_build_info',
    help: 'Which build runs.',
    labelNames: ['service', 'version', 'git_sha'],
    registers: [registry],
  }).set({ service: options.service, version: options.version, git_sha: options.gitSha }, 1);
  // Default metrics describe the process: with several services in one, only the first reports them.
  if (options.processMetrics ?? !processMetricsTaken) collectDefaultMetrics({ register: registry });
  processMetricsTaken = true;
  return registry;
}

let processMetricsTaken = false;
