import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { namePattern, type ServiceKind } from '@fairlead/contracts';
import { boundedLabel, tenantLabelValues } from '@fairlead/telemetry';
import { Problem, type HttpAnswer, type HttpRequest, type Route } from '../http/server.js';

export interface ServiceMetrics {
  /** Prometheus text. */
  text(): Promise<string>;
  /** The routes, with each of their requests counted and timed. */
  measured(routes: readonly Route[]): Route[];
}

export interface ServiceMetricsOptions {
  readonly kind: ServiceKind;
  readonly build: { readonly version: string; readonly gitSha: string };
  /** So many services share the process: each tells an equal part of what it uses. */
  readonly processSharedBy: number;
  readonly read: () => { inflight: number; lag: number };
}

/** Makes the metrics that docs/fleet-contract.md asks of a service of a kind, and those it recommends. */
export function serviceMetrics({ kind, build, processSharedBy, read }: ServiceMetricsOptions): ServiceMetrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({ name: `${kind}_build_info`, help: 'Which build runs.', labelNames: ['service', 'version', 'git_sha'], registers }).set(
    { service: kind, version: build.version, git_sha: build.gitSha },
    1,
  );
  new Gauge({
    name: `${kind}_inflight`,
    help: 'Commands being worked on.',
    registers,
    collect() {
      this.set(read().inflight);
    },
  });
  new Gauge({
    name: `${kind}_lag`,
    help: kind === 'gateway' ? 'Placement revisions known and not applied yet.' : 'Commands accepted and not applied yet.',
    registers,
    collect() {
      this.set(read().lag);
    },
  });
  processMetrics(registry, processSharedBy);
  const observe = requestMetrics(registry);
  return {
    text: () => registry.metrics(),
    measured: (routes) => routes.map((route) => measured(route, observe)),
  };
}

/** What the process uses, from this life of the service on. */
function processMetrics(registry: Registry, sharedBy: number): void {
  const registers = [registry];
  const startedAt = Date.now() / 1_000;
  const before = process.cpuUsage();
  new Gauge({ name: 'process_start_time_seconds', help: 'When the service began, in seconds since 1970.', registers }).set(startedAt);
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time used.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage(before);
      this.reset();
      this.inc((user + system) / 1e6 / sharedBy);
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory in use.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss() / sharedBy);
    },
  });
}

const statusClasses = ['2xx', '3xx', '4xx', '5xx'] as const;

type Observe = (request: { readonly status: number; readonly seconds: number; readonly tenant: string | undefined }) => void;

function requestMetrics(registry: Registry): Observe {
  const registers = [registry];
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests that were answered, by class of status.',
    labelNames: ['status_class'],
    registers,
  });
  // A share of errors can be told only where there is a count of none.
  for (const status_class of statusClasses) requests.inc({ status_class }, 0);
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'How long requests took.',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const tenantRequests = new Counter({
    name: 'http_tenant_requests_total',
    help: 'Requests by tenant: the busiest, and all others as _other.',
    labelNames: ['tenant'],
    registers,
  });
  const tenants = boundedLabel({
    most: tenantLabelValues,
    onDropped: (tenant) => {
      tenantRequests.remove({ tenant });
    },
  });
  return ({ status, seconds, tenant }) => {
    requests.inc({ status_class: `${String(Math.floor(status / 100))}xx` });
    duration.observe(seconds);
    if (tenant !== undefined) tenantRequests.inc({ tenant: tenants.labelFor(tenant, performance.now()) });
  };
}

/** Undefined for a request without one, and for what can't be one: nobody puts any text at all into a label. */
function tenantOf({ params: { tenant } }: HttpRequest): string | undefined {
  return tenant !== undefined && namePattern.test(tenant) ? tenant : undefined;
}

function measured(route: Route, observe: Observe): Route {
  return {
    ...route,
    async handle(request) {
      const began = performance.now();
      const told = (status: number) => {
        observe({ status, seconds: (performance.now() - began) / 1_000, tenant: tenantOf(request) });
      };
      let answer: HttpAnswer;
      try {
        answer = await route.handle(request);
      } catch (error) {
        told(error instanceof Problem ? error.status : 500);
        throw error;
      }
      told(answer.status);
      return answer;
    },
  };
}
