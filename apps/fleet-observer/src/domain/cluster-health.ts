/** How all is, in one word, and why. */
import { endpointKey, isAhead, stateOf, type EndpointHealth } from './health.js';

export interface ServiceState {
  readonly service: string;
  /** What it says of itself; `unreachable` when it says nothing. */
  readonly status: 'ready' | 'degraded' | 'unavailable' | 'unreachable';
  /** Empty when it has none. */
  readonly problem: string;
  readonly at: string;
}

export interface Reason {
  readonly code:
    | 'shard_without_ready_endpoint'
    | 'endpoint_not_ready'
    | 'endpoint_flapping'
    | 'endpoint_crash_looping'
    | 'service_not_ready'
    | 'service_degraded'
    | 'fleet_not_observed'
    | 'fleet_observation_old';
  readonly severity: 'critical' | 'warning';
  readonly subject: string;
  readonly detail: string;
  /** When that was seen; empty when nothing was. */
  readonly at: string;
}

export interface ClusterHealth {
  readonly state: 'healthy' | 'degraded' | 'unhealthy';
  /** The critical first. */
  readonly reasons: readonly Reason[];
  readonly shards: number;
  readonly shardsWithoutReadyEndpoint: number;
  readonly endpoints: number;
  readonly endpointsReady: number;
  readonly endpointsUnsteady: number;
}

/** A shard as placement has it. */
export interface RegisteredShard {
  readonly kind: string;
  readonly shardId: string;
  readonly state: string;
  /** How many are placed on it. */
  readonly tenants: number;
  /** How many it has. */
  readonly endpoints: number;
  /** When placement said so. */
  readonly at: string;
}

export interface Seen {
  /** All that are registered; none while that is not known. */
  readonly registered: readonly RegisteredShard[];
  readonly endpoints: readonly EndpointHealth[];
  /** No endpoint was asked before; undefined while the fleet was not observed. */
  readonly takenAt: Date | undefined;
  readonly services: readonly ServiceState[];
  readonly now: Date;
  /** What is older was not looked at as it should be. */
  readonly oldAfterMs: number;
}

/** Unhealthy when something can't serve, degraded when something is on its way there or is not known. */
export function clusterHealth({ registered, endpoints, takenAt, services, now, oldAfterMs }: Seen): ClusterHealth {
  const shards = Map.groupBy(endpoints, ({ kind, shardId }) => `${kind}/${shardId}`);
  const dead = [...shards].filter(([, ofShard]) => !ofShard.some(isReady));
  // Those whose endpoints are registered and not known yet are told as not observed.
  const bare = registered.filter((shard) => shard.endpoints === 0 && !shards.has(nameOf(shard)));
  const reasons = [
    ...dead.map(([shard, ofShard]) => deadShard(shard, ofShard)),
    ...bare.flatMap(bareShard),
    ...services.flatMap(ofService),
    ...endpoints.flatMap((endpoint) => ofCondition(endpoint)),
    ...[...shards.values()].filter((ofShard) => ofShard.some(isReady)).flatMap((ofShard) => ofShard.flatMap(ofState)),
    ...ofObservation(takenAt, now, oldAfterMs),
    ...ofClock(endpoints, takenAt, now),
  ];
  const critical = reasons.filter(({ severity }) => severity === 'critical');
  const warnings = reasons.filter(({ severity }) => severity === 'warning');
  return {
    state: critical.length > 0 ? 'unhealthy' : warnings.length > 0 ? 'degraded' : 'healthy',
    reasons: [...critical, ...warnings],
    shards: new Set([...shards.keys(), ...registered.map(nameOf)]).size,
    shardsWithoutReadyEndpoint: dead.length + bare.length,
    endpoints: endpoints.length,
    endpointsReady: endpoints.filter(isReady).length,
    endpointsUnsteady: endpoints.filter(({ condition }) => condition !== 'steady').length,
  };
}

const isReady = (endpoint: EndpointHealth) => stateOf(endpoint) === 'ready';

const nameOf = ({ kind, shardId }: Pick<RegisteredShard, 'kind' | 'shardId'>) => `${kind}/${shardId}`;

/** Nobody serves those who are placed there. One that is cordoned and has no tenants is not meant to serve anybody. */
function bareShard({ tenants, state, at, ...shard }: RegisteredShard): Reason[] {
  const common = { code: 'shard_without_ready_endpoint', subject: nameOf(shard), at } as const;
  if (tenants > 0)
    return [
      { ...common, severity: 'critical', detail: `it has no endpoint, and ${String(tenants)} ${tenants === 1 ? 'tenant' : 'tenants'}` },
    ];
  return state === 'active' ? [{ ...common, severity: 'warning', detail: 'it has no endpoint: no tenant comes to it' }] : [];
}

function deadShard(shard: string, endpoints: readonly EndpointHealth[]): Reason {
  const states = endpoints.map((endpoint) => `${endpoint.endpointId} is ${stateOf(endpoint).replace('_', ' ')}`);
  const detail = `none of its ${String(endpoints.length)} endpoints is ready: ${states.slice(0, 5).join(', ')}${states.length > 5 ? ', …' : ''}`;
  const at = endpoints.reduce((latest, { takenAt }) => (takenAt > latest ? takenAt : latest), '');
  return { code: 'shard_without_ready_endpoint', severity: 'critical', subject: shard, detail, at };
}

function ofService({ service, status, problem, at }: ServiceState): Reason[] {
  if (status === 'ready') return [];
  const detail = problem === '' ? `it is ${status}` : `it is ${status}: ${problem}`;
  if (status === 'degraded') return [{ code: 'service_degraded', severity: 'warning', subject: service, detail, at }];
  return [{ code: 'service_not_ready', severity: 'critical', subject: service, detail, at }];
}

function ofCondition(endpoint: EndpointHealth): Reason[] {
  const common = { severity: 'warning', subject: endpointKey(endpoint), at: endpoint.takenAt } as const;
  if (endpoint.condition === 'flapping') return [{ ...common, code: 'endpoint_flapping', detail: 'its state changes again and again' }];
  if (endpoint.condition === 'crash_looping')
    return [{ ...common, code: 'endpoint_crash_looping', detail: 'its process begins anew again and again' }];
  return [];
}

function ofState(endpoint: EndpointHealth): Reason[] {
  if (isReady(endpoint)) return [];
  const { problem, takenAt } = endpoint;
  const detail = `it is ${stateOf(endpoint).replace('_', ' ')}${problem === '' ? '' : `: ${problem}`}`;
  return [{ code: 'endpoint_not_ready', severity: 'warning', subject: endpointKey(endpoint), detail, at: takenAt }];
}

function ofObservation(takenAt: Date | undefined, now: Date, oldAfterMs: number): Reason[] {
  const common = { severity: 'warning', subject: 'fleet-observer' } as const;
  if (takenAt === undefined)
    return [
      { ...common, code: 'fleet_not_observed', detail: 'not all endpoints were asked yet, or it is not known which there are', at: '' },
    ];
  const ageMs = now.getTime() - takenAt.getTime();
  if (ageMs <= oldAfterMs) return [];
  const detail = `what is known of an endpoint is ${String(Math.round(ageMs / 1_000))} s old`;
  return [{ ...common, code: 'fleet_observation_old', detail, at: takenAt.toISOString() }];
}

/** What a clock told that was ahead is of an unknown age. */
function ofClock(endpoints: readonly EndpointHealth[], takenAt: Date | undefined, now: Date): Reason[] {
  const times = [...endpoints.map((endpoint) => endpoint.takenAt), ...(takenAt === undefined ? [] : [takenAt.toISOString()])];
  const last = times.reduce((latest, at) => (at > latest ? at : latest), '');
  if (!isAhead(last, now)) return [];
  const seconds = Math.round((Date.parse(last) - now.getTime()) / 1_000);
  const detail = `what is known of an endpoint has a time that is ${String(seconds)} s ahead: a clock was or is wrong`;
  return [{ code: 'fleet_observation_old', severity: 'warning', subject: 'fleet-observer', detail, at: last }];
}
