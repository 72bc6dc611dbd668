import { describe, expect, it } from '@jest/globals';
import { clusterHealth, type RegisteredShard, type Seen, type ServiceState } from './cluster-health.js';
import { unmeasured, type EndpointHealth } from './health.js';

const now = new Date('2026-11-21T10:00:30.000Z');
const takenAt = '2026-11-21T10:00:20.000Z';

function endpoint(kind: string, shardId: string, endpointId: string, is: Partial<EndpointHealth> = {}): EndpointHealth {
  const where = { kind, shardId, endpointId, url: 'http://127.0.0.1:1' };
  const ready = { reachable: true, healthy: true, ready: true, problem: '', latencyMs: 1 };
  return { ...where, ...unmeasured, ...ready, takenAt, condition: 'steady', ...is };
}

const service = (name: string, is: Partial<ServiceState> = {}): ServiceState => ({
  service: name,
  status: 'ready',
  problem: '',
  at: takenAt,
  ...is,
});

const seen = (is: Partial<Seen>): Seen => ({
  registered: [],
  endpoints: [],
  takenAt: new Date(takenAt),
  services: [],
  now,
  oldAfterMs: 30_000,
  ...is,
});

const told = (is: Partial<Seen>) => {
  const { state, reasons } = clusterHealth(seen(is));
  return { state, reasons: reasons.map(({ severity, code, subject, detail, at }) => [severity, code, subject, detail, at]) };
};

describe('clusterHealth', () => {
  it('is healthy when every endpoint and service is ready', () => {
    const endpoints = [endpoint('gateway', 'g', 'a'), endpoint('runner', 'r', 'a'), endpoint('runner', 'r', 'b')];
    expect(clusterHealth(seen({ endpoints, services: [service('audit')] }))).toEqual({
      state: 'healthy',
      reasons: [],
      ...{ shards: 2, shardsWithoutReadyEndpoint: 0, endpoints: 3, endpointsReady: 3, endpointsUnsteady: 0 },
    });
  });

  it('is unhealthy while a shard has no ready endpoint, which says more than each of its endpoints', () => {
    const away = { reachable: false, healthy: false, ready: false, problem: 'it can not be reached' };
    const endpoints = [
      endpoint('runner', 'r', 'a', away),
      endpoint('runner', 'r', 'b', { ready: false, takenAt: '2026-11-21T10:00:25.000Z' }),
    ];
    expect(told({ endpoints: [...endpoints, endpoint('runner', 'other', 'a')] })).toEqual({
      state: 'unhealthy',
      reasons: [
        [
          'critical',
          'shard_without_ready_endpoint',
          'runner/r',
          'none of its 2 endpoints is ready: a is unreachable, b is not ready',
          '2026-11-21T10:00:25.000Z',
        ],
      ],
    });
  });

  it('counts shards that are registered without an endpoint: critical with tenants, else a warning while they are active', () => {
    const registered = (shardId: string, is: Partial<RegisteredShard> = {}): RegisteredShard => ({
      ...{ kind: 'runner', shardId, state: 'active', tenants: 0, endpoints: 0, at: takenAt },
      ...is,
    });
    const health = {
      endpoints: [endpoint('runner', 'r', 'a')],
      registered: [
        registered('r', { endpoints: 1, tenants: 5 }),
        registered('new'),
        registered('bare', { tenants: 1 }),
        registered('to-go', { state: 'cordoned' }),
        registered('not-yet-asked', { endpoints: 1, tenants: 2 }),
      ],
    };
    expect(told(health)).toEqual({
      state: 'unhealthy',
      reasons: [
        ['critical', 'shard_without_ready_endpoint', 'runner/bare', 'it has no endpoint, and 1 tenant', takenAt],
        ['warning', 'shard_without_ready_endpoint', 'runner/new', 'it has no endpoint: no tenant comes to it', takenAt],
      ],
    });
    expect(clusterHealth(seen(health))).toMatchObject({ shards: 5, shardsWithoutReadyEndpoint: 3 });
    expect(told({ registered: [registered('new')] }).state).toBe('degraded');
  });

  it('is degraded by endpoints that are not ready beside one that is, and by those that are not steady', () => {
    const endpoints = [
      endpoint('runner', 'r', 'a'),
      endpoint('runner', 'r', 'b', { healthy: false, ready: false, problem: 'health: status 500' }),
      endpoint('runner', 's', 'a', { condition: 'flapping' }),
      endpoint('runner', 't', 'a', { condition: 'crash_looping' }),
    ];
    expect(told({ endpoints })).toEqual({
      state: 'degraded',
      reasons: [
        ['warning', 'endpoint_flapping', 'runner.s.a', 'its state changes again and again', takenAt],
        ['warning', 'endpoint_crash_looping', 'runner.t.a', 'its process begins anew again and again', takenAt],
        ['warning', 'endpoint_not_ready', 'runner.r.b', 'it is unhealthy: health: status 500', takenAt],
      ],
    });
  });

  it('is what the services are: critical first', () => {
    const services = [
      service('audit', { status: 'degraded', problem: 'nats: not connected' }),
      service('placement', { status: 'unreachable', problem: 'it can not be reached' }),
      service('provisioner', { status: 'unavailable' }),
    ];
    expect(told({ services })).toEqual({
      state: 'unhealthy',
      reasons: [
        ['critical', 'service_not_ready', 'placement', 'it is unreachable: it can not be reached', takenAt],
        ['critical', 'service_not_ready', 'provisioner', 'it is unavailable', takenAt],
        ['warning', 'service_degraded', 'audit', 'it is degraded: nats: not connected', takenAt],
      ],
    });
  });

  it('says when nothing, or nothing new, is known of the fleet', () => {
    expect(told({ takenAt: undefined })).toEqual({
      state: 'degraded',
      reasons: [['warning', 'fleet_not_observed', 'fleet-observer', expect.any(String), '']],
    });
    const old = new Date('2026-11-21T09:59:59.000Z');
    const detail = 'what is known of an endpoint is 31 s old';
    expect(told({ takenAt: old }).reasons).toEqual([['warning', 'fleet_observation_old', 'fleet-observer', detail, old.toISOString()]]);
  });

  it('says when what is known has a time that is ahead', () => {
    const ahead = '2026-11-21T10:10:30.000Z';
    const detail = 'what is known of an endpoint has a time that is 600 s ahead: a clock was or is wrong';
    const reasons = [['warning', 'fleet_observation_old', 'fleet-observer', detail, ahead]];
    expect(told({ takenAt: new Date(ahead) }).reasons).toEqual(reasons);
    expect(told({ endpoints: [endpoint('runner', 'r', 'a', { takenAt: ahead })] }).reasons).toEqual(reasons);
    expect(told({ endpoints: [endpoint('runner', 'r', 'a', { takenAt: '2026-11-21T10:00:31.000Z' })] }).reasons).toEqual([]);
  });
});
