import type { fleetV1 } from '@fairlead/contracts';
import { readServiceMetrics } from './service-metrics.js';

/** As everybody is told it, and what only this service needs to know. */
export interface EndpointHealth extends fleetV1.EndpointHealth {
  /** When metrics were asked last, whether they could be read or not; empty when they never were. */
  readonly metricsAskedAt: string;
}

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
  const stateProblem = joined([...stateProblems('health', health), ...stateProblems('ready', ready)], reachable);
  return {
    ...endpoint,
    ...measured,
    reachable,
    healthy: 'status' in health && health.status === 200,
    ready: 'status' in ready && ready.status === 200,
    takenAt: takenAt.toISOString(),
    condition: before?.condition ?? 'steady',
    problem: withMetricsProblem(stateProblem, measured.metricsProblem, reachable),
    latencyMs: 'status' in health ? Math.round(health.durationMs) : 0,
  };
}

type Figures = Pick<EndpointHealth, 'version' | 'gitSha' | 'inflight' | 'lag' | 'startedAt' | 'metricsTakenAt'>;
type Asked = Pick<EndpointHealth, 'metricsAskedAt' | 'metricsProblem'>;

/** Of an endpoint whose metrics were never asked. */
export const unmeasured: Figures & Asked = {
  ...{ version: '', gitSha: '', inflight: 0, lag: 0, startedAt: '', metricsTakenAt: '' },
  ...{ metricsAskedAt: '', metricsProblem: '' },
};

const figuresOf = ({ version, gitSha, inflight, lag, startedAt, metricsTakenAt }: Figures): Figures => {
  return { version, gitSha, inflight, lag, startedAt, metricsTakenAt };
};

/** What is measured of an endpoint, by the metrics that were just asked or else as before. */
function measuredBy(answer: RouteAnswer | undefined, takenAt: Date, before: EndpointHealth | undefined): Figures & Asked {
  const kept = figuresOf(before ?? unmeasured);
  const at = takenAt.toISOString();
  const asked = (metricsProblem: string): Asked => ({ metricsAskedAt: at, metricsProblem });
  if (answer === undefined) {
    const { metricsAskedAt, metricsProblem } = before ?? unmeasured;
    return { ...kept, metricsAskedAt, metricsProblem };
  }
  if ('problem' in answer) return { ...kept, ...asked(answer.problem) };
  if (answer.status !== 200) return { ...kept, ...asked(`status ${String(answer.status)}`) };
  const { missing, startedAtSeconds, build, inflight, lag } = readServiceMetrics(answer.body);
  const problem = missing.length === 0 ? '' : `without ${missing.join(', ')}`;
  // Whoever answered did not say whose figures they are.
  if (build === undefined) return { ...kept, ...asked(problem) };
  return {
    ...build,
    inflight: inflight ?? kept.inflight,
    lag: lag ?? kept.lag,
    startedAt: startedAtSeconds === undefined ? '' : new Date(startedAtSeconds * 1_000).toISOString(),
    metricsTakenAt: at,
    ...asked(problem),
  };
}

/** Clocks of several replicas differ a little; a time further ahead is that of a clock that was wrong. */
const clocksDifferMs = 10_000;

/** What is later was told by a clock that was ahead. */
export function latestPossible(now: Date): Date {
  return new Date(now.getTime() + clocksDifferMs);
}

/** True of a time that a clock told that was ahead. */
export function isAhead(at: string, now: Date): boolean {
  return at > latestPossible(now).toISOString();
}

/** A time to compare with: one that is ahead is before all others, else it would be the latest until it has come. */
function timeOf(at: string, now: Date): string {
  return isAhead(at, now) ? '' : at;
}

/**
 * What two looks at an endpoint tell together, the later of each: its state, its figures, and how asking for them went. Several
 * replicas look, each with metrics of its own: a look without them must not bring back those that its replica read before.
 */
export function latestOf(known: EndpointHealth, sensed: EndpointHealth, now: Date): EndpointHealth {
  const look = timeOf(known.takenAt, now) > timeOf(sensed.takenAt, now) ? known : sensed;
  const later = (field: 'metricsTakenAt' | 'metricsAskedAt') => {
    const other = look === known ? sensed : known;
    return timeOf(other[field], now) > timeOf(look[field], now) ? other : look;
  };
  const [figures, asked] = [later('metricsTakenAt'), later('metricsAskedAt')];
  if (figures === look && asked === look) return look;
  const { metricsAskedAt, metricsProblem } = asked;
  const problem = withMetricsProblem(stateProblemOf(look), metricsProblem, look.reachable);
  return { ...look, ...figuresOf(figures), metricsAskedAt, metricsProblem, problem };
}

/** 200 and 503 are answers; anything else is not what the contract says. */
function stateProblems(route: string, answer: RouteAnswer): [string, string][] {
  if ('problem' in answer) return [[route, answer.problem]];
  return answer.status === 200 || answer.status === 503 ? [] : [[route, `status ${String(answer.status)}`]];
}

/** The same problem on both routes is told once. */
function joined(problems: readonly [string, string][], reachable: boolean): string {
  const [first] = problems;
  if (first === undefined) return '';
  const same = !reachable && problems.every(([, problem]) => problem === first[1]);
  return same ? first[1] : problems.map(([route, problem]) => `${route}: ${problem}`).join('; ');
}

/** That of metrics is told last, and not at all when it is that of both others. */
function withMetricsProblem(stateProblem: string, metricsProblem: string, reachable: boolean): string {
  const same = !reachable && stateProblem === metricsProblem;
  const told = [stateProblem, ...(metricsProblem === '' || same ? [] : [`metrics: ${metricsProblem}`])];
  return told
    .filter((part) => part !== '')
    .join('; ')
    .slice(0, longestProblem);
}

/** A look's problem without that of metrics. */
function stateProblemOf({ problem, metricsProblem }: EndpointHealth): string {
  const last = `metrics: ${metricsProblem}`;
  if (metricsProblem === '' || !problem.endsWith(last)) return problem;
  return problem.slice(0, -last.length).replace(/; $/, '');
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
