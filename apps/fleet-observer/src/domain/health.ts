import type { fleetV1 } from '@fairlead/contracts';
import { readServiceMetrics } from './service-metrics.js';

export type EndpointHealth = fleetV1.EndpointHealth;

/** Where an endpoint is to be found. */
export interface Endpoint {
  readonly kind: string;
  readonly shardId: string;
  readonly endpointId: string;
  readonly url: string;
}

/** What one route of an endpoint answered, or why nothing came. */
export type RouteAnswer = { readonly status: number; readonly body: string; readonly durationMs: number } | { readonly problem: string };

/** What an endpoint's three routes answered. */
export interface ProbeAnswers {
  readonly health: RouteAnswer;
  readonly ready: RouteAnswer;
  readonly metrics: RouteAnswer;
}

const longestProblem = 500;

/** One endpoint's health as everybody shows it; `problem` names what could not be reached or understood. */
export function normalise(endpoint: Endpoint, answers: ProbeAnswers, takenAt: Date): EndpointHealth {
  const { health, ready, metrics } = answers;
  const read = 'status' in metrics && metrics.status === 200 ? readServiceMetrics(metrics.body) : undefined;
  const problems: [string, string][] = [
    ...stateProblems('health', health),
    ...stateProblems('ready', ready),
    ...metricsProblems(metrics, read?.missing ?? []),
  ];
  return {
    ...endpoint,
    reachable: [health, ready, metrics].some((answer) => 'status' in answer),
    healthy: 'status' in health && health.status === 200,
    ready: 'status' in ready && ready.status === 200,
    version: read?.version ?? '',
    gitSha: read?.gitSha ?? '',
    inflight: read?.inflight ?? 0,
    lag: read?.lag ?? 0,
    takenAt: takenAt.toISOString(),
    problem: joined(problems),
    latencyMs: 'status' in health ? Math.round(health.durationMs) : 0,
  };
}

/** 200 and 503 are answers; anything else is not what the contract says. */
function stateProblems(route: string, answer: RouteAnswer): [string, string][] {
  if ('problem' in answer) return [[route, answer.problem]];
  return answer.status === 200 || answer.status === 503 ? [] : [[route, `status ${String(answer.status)}`]];
}

function metricsProblems(answer: RouteAnswer, missing: readonly string[]): [string, string][] {
  if ('problem' in answer) return [['metrics', answer.problem]];
  if (answer.status !== 200) return [['metrics', `status ${String(answer.status)}`]];
  return missing.length === 0 ? [] : [['metrics', `without ${missing.join(', ')}`]];
}

/** The same problem on all three routes is told once. */
function joined(problems: readonly [string, string][]): string {
  const [first] = problems;
  if (first === undefined) return '';
  const same = problems.length === 3 && problems.every(([, problem]) => problem === first[1]);
  return (same ? first[1] : problems.map(([route, problem]) => `${route}: ${problem}`).join('; ')).slice(0, longestProblem);
}

export type EndpointState = 'ready' | 'not_ready' | 'unhealthy' | 'unreachable';

/** An endpoint's health in one word. */
export function stateOf({ reachable, healthy, ready }: Pick<EndpointHealth, 'reachable' | 'healthy' | 'ready'>): EndpointState {
  if (!reachable) return 'unreachable';
  if (!healthy) return 'unhealthy';
  return ready ? 'ready' : 'not_ready';
}

/** Names an endpoint among all: `<kind>.<shard>.<endpoint>`. */
export function endpointKey({ kind, shardId, endpointId }: Pick<Endpoint, 'kind' | 'shardId' | 'endpointId'>): string {
  return `${kind}.${shardId}.${endpointId}`;
}

export interface HealthChange {
  readonly key: string;
  readonly endpoint: Endpoint;
  /** Undefined for an endpoint that is new. */
  readonly from: EndpointHealth | undefined;
  /** Undefined for an endpoint that is no longer registered. */
  readonly to: EndpointHealth | undefined;
}

/**
 * What differs between two views, in key order: an endpoint's state, build, address, or whether it has a problem.
 * Figures that move all the time, and the wording of a problem, are no change.
 */
export function changesBetween(before: ReadonlyMap<string, EndpointHealth>, after: ReadonlyMap<string, EndpointHealth>): HealthChange[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return keys.flatMap((key) => {
    const [from, to] = [before.get(key), after.get(key)];
    const known = to ?? from;
    if (known === undefined || (from !== undefined && to !== undefined && signature(from) === signature(to))) return [];
    const { kind, shardId, endpointId, url } = known;
    return [{ key, endpoint: { kind, shardId, endpointId, url }, from, to }];
  });
}

function signature(health: EndpointHealth): string {
  return JSON.stringify([stateOf(health), health.version, health.gitSha, health.url, health.problem !== '']);
}
