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

/** What an endpoint's routes answered. */
export interface ProbeAnswers {
  readonly health: RouteAnswer;
  readonly ready: RouteAnswer;
  /** Undefined when metrics were not asked this time. */
  readonly metrics: RouteAnswer | undefined;
}

const longestProblem = 500;

/**
 * One endpoint's health as everybody shows it; `problem` names what could not be reached or understood. What its metrics say
 * keeps the age it has: while they are not asked, or can't be read, it is what they said before.
 */
export function normalise(endpoint: Endpoint, answers: ProbeAnswers, takenAt: Date, before?: EndpointHealth): EndpointHealth {
  const { health, ready, metrics } = answers;
  const measured = measuredBy(metrics, takenAt, before);
  // Not by metrics, which are asked in some looks only: the same endpoint would be in another state in each.
  const reachable = [health, ready].some((answer) => 'status' in answer);
  const problems: [string, string][] = [...stateProblems('health', health), ...stateProblems('ready', ready)];
  if (measured.metricsProblem !== '') problems.push(['metrics', measured.metricsProblem]);
  return {
    ...endpoint,
    ...measured,
    reachable,
    healthy: 'status' in health && health.status === 200,
    ready: 'status' in ready && ready.status === 200,
    takenAt: takenAt.toISOString(),
    condition: before?.condition ?? 'steady',
    problem: joined(problems, reachable),
    latencyMs: 'status' in health ? Math.round(health.durationMs) : 0,
  };
}

type Measured = Pick<EndpointHealth, 'version' | 'gitSha' | 'inflight' | 'lag' | 'startedAt' | 'metricsTakenAt' | 'metricsProblem'>;

/** Of an endpoint whose metrics were never read. */
export const unmeasured: Measured = { version: '', gitSha: '', inflight: 0, lag: 0, startedAt: '', metricsTakenAt: '', metricsProblem: '' };

/** What is measured of an endpoint, by the metrics that were just asked or else as before. */
function measuredBy(answer: RouteAnswer | undefined, takenAt: Date, before: EndpointHealth | undefined): Measured {
  const { version, gitSha, inflight, lag, startedAt, metricsTakenAt, metricsProblem } = before ?? unmeasured;
  const kept = { version, gitSha, inflight, lag, startedAt, metricsTakenAt, metricsProblem };
  if (answer === undefined) return kept;
  if ('problem' in answer) return { ...kept, metricsProblem: answer.problem };
  if (answer.status !== 200) return { ...kept, metricsProblem: `status ${String(answer.status)}` };
  const { missing, startedAtSeconds, build, inflight: inflightNow, lag: lagNow } = readServiceMetrics(answer.body);
  const problem = missing.length === 0 ? '' : `without ${missing.join(', ')}`;
  // Whoever answered did not say whose figures they are.
  if (build === undefined) return { ...kept, metricsProblem: problem };
  return {
    ...build,
    inflight: inflightNow ?? inflight,
    lag: lagNow ?? lag,
    startedAt: startedAtSeconds === undefined ? '' : new Date(startedAtSeconds * 1_000).toISOString(),
    metricsTakenAt: takenAt.toISOString(),
    metricsProblem: problem,
  };
}

/** 200 and 503 are answers; anything else is not what the contract says. */
function stateProblems(route: string, answer: RouteAnswer): [string, string][] {
  if ('problem' in answer) return [[route, answer.problem]];
  return answer.status === 200 || answer.status === 503 ? [] : [[route, `status ${String(answer.status)}`]];
}

/** The same problem on all routes is told once. */
function joined(problems: readonly [string, string][], reachable: boolean): string {
  const [first] = problems;
  if (first === undefined) return '';
  const same = !reachable && problems.every(([, problem]) => problem === first[1]);
  return (same ? first[1] : problems.map(([route, problem]) => `${route}: ${problem}`).join('; ')).slice(0, longestProblem);
}

export const endpointStates = ['ready', 'not_ready', 'unhealthy', 'unreachable'] as const;

export type EndpointState = (typeof endpointStates)[number];

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
