/**
 * What is asked of VictoriaMetrics, all of it: the pillars of each kind of managed service and of each service of ours. What the queries
 * need is written in docs/instrumentation.md.
 */
import { controlPlaneServices, errorCodes, errorKinds, serviceKinds } from '@fairlead/contracts';

export const pillarNames = ['cpu', 'memory', 'request_rate', 'error_rate', 'latency_p99'] as const;
export type PillarName = (typeof pillarNames)[number];

export interface PillarQuery {
  /** `kind`: of the managed platform; `service`: of ours. */
  readonly scope: 'kind' | 'service';
  readonly name: string;
  readonly pillar: PillarName;
  readonly unit: string;
  /** PromQL that answers one number. */
  readonly query: string;
}

/** Rates are over so long: a few scrapes, whatever their interval. */
const range = '[2m]';

const units: Readonly<Record<PillarName, string>> = {
  cpu: 'cores',
  memory: 'bytes',
  request_rate: 'requests/s',
  error_rate: 'ratio',
  latency_p99: 'seconds',
};

/** `is` picks the series of one kind or service by a label that the scraping adds. */
type Queries = Readonly<Record<PillarName, (is: string) => string>>;

const ofProcess = {
  cpu: (is: string) => `sum(rate(process_cpu_seconds_total{${is}}${range}))`,
  memory: (is: string) => `sum(process_resident_memory_bytes{${is}})`,
};

/** By the metrics that the fleet contract recommends. */
const ofKind: Queries = {
  ...ofProcess,
  request_rate: (is) => `sum(rate(http_requests_total{${is}}${range}))`,
  error_rate: (is) => `sum(rate(http_requests_total{${is},status_class="5xx"}${range})) / sum(rate(http_requests_total{${is}}${range}))`,
  latency_p99: (is) => `histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{${is}}${range})))`,
};

/** A class of errors may never have happened, which makes no series: none of them is none, not unknown. */
const share = (part: string, whole: string) =>
  `(sum(rate(${part}${range})) or 0 * sum(rate(${whole}${range}))) / sum(rate(${whole}${range}))`;

/** The gateway by its HTTP requests. */
const ofGateway: Queries = {
  ...ofProcess,
  request_rate: (is) => `sum(rate(fairlead_http_request_duration_seconds_count{${is}}${range}))`,
  error_rate: (is) =>
    share(`fairlead_http_request_duration_seconds_count{${is},status=~"5.."}`, `fairlead_http_request_duration_seconds_count{${is}}`),
  latency_p99: (is) => `histogram_quantile(0.99, sum by (le) (rate(fairlead_http_request_duration_seconds_bucket{${is}}${range})))`,
};

/** Codes that are answered with a 5xx: errors of the service, not of its caller. */
const ownErrors = Object.entries(errorCodes)
  .filter(([, kind]) => errorKinds[kind].http >= 500)
  .map(([code]) => code)
  .join('|');

/** The others by their RPCs. */
const ofService: Queries = {
  ...ofProcess,
  request_rate: (is) => `sum(rate(fairlead_rpc_duration_seconds_count{${is}}${range}))`,
  error_rate: (is) =>
    share(`fairlead_rpc_duration_seconds_count{${is},code=~"${ownErrors}"}`, `fairlead_rpc_duration_seconds_count{${is}}`),
  latency_p99: (is) => `histogram_quantile(0.99, sum by (le) (rate(fairlead_rpc_duration_seconds_bucket{${is}}${range})))`,
};

/** All that is asked, in the order that it is told in. */
export const pillarQueries: readonly PillarQuery[] = [
  ...serviceKinds.flatMap((kind) => queriesOf('kind', kind, ofKind)),
  ...controlPlaneServices.flatMap((service) => queriesOf('service', service, service === 'api-gateway' ? ofGateway : ofService)),
];

function queriesOf(scope: PillarQuery['scope'], name: string, queries: Queries): PillarQuery[] {
  return pillarNames.map((pillar) => ({ scope, name, pillar, unit: units[pillar], query: queries[pillar](`${scope}="${name}"`) }));
}
