// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the fleet observer answers is
// scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { controlPlaneServices, serviceKinds } from '@fairlead/contracts';
import { startHttpStage, type HttpStage } from '../testing/http-stage.js';

let stage: HttpStage;

beforeAll(async () => {
  stage = await startHttpStage();
}, 120_000);

afterAll(() => stage.stop());

beforeEach(() => {
  stage.reset();
});

const read = (path: string) => stage.gateway.call('GET', `/platform/v1/cluster/${path}`, { token: stage.viewer });
const at = '2026-11-21T10:00:10.000Z';

describe('the cluster', () => {
  it('has its health told, with reasons and the age of each value', async () => {
    const seenAt = '2026-11-21T10:00:08.500Z';
    stage.gateway.peers.answers = {
      getClusterHealth: () => ({
        state: 'unhealthy',
        reasons: [
          { code: 'service_not_ready', severity: 'critical', subject: 'audit', detail: 'it is unreachable', at: seenAt },
          { code: 'fleet_not_observed', severity: 'warning', subject: 'fleet-observer', detail: 'not yet', at: '' },
        ],
        ...{ moreReasons: 0, shards: 3, shardsWithoutReadyEndpoint: 1, endpoints: 5, endpointsReady: 4, endpointsUnsteady: 2 },
        endpointsTakenAt: '',
        services: [{ service: 'audit', status: 'unreachable', problem: 'it can not be reached', at: seenAt }],
        at,
      }),
    };
    expect((await read('health')).body).toEqual({
      state: 'unhealthy',
      at,
      reasons: [
        { code: 'service_not_ready', severity: 'critical', subject: 'audit', detail: 'it is unreachable', at: seenAt, age_ms: 1_500 },
        { code: 'fleet_not_observed', severity: 'warning', subject: 'fleet-observer', detail: 'not yet', at: null, age_ms: null },
      ],
      more_reasons: 0,
      shards: { total: 3, without_ready_endpoint: 1 },
      endpoints: { total: 5, ready: 4, unsteady: 2, taken_at: null, age_ms: null },
      services: [{ service: 'audit', status: 'unreachable', problem: 'it can not be reached', at: seenAt, age_ms: 1_500 }],
    });
  });

  it('has no age told of what a clock saw that was ahead', async () => {
    const ahead = '2026-11-21T10:00:11.001Z';
    const skewed = '2026-11-21T10:00:11.000Z';
    const service = { service: 'audit', status: 'ready', problem: '' };
    stage.gateway.peers.answers = {
      getClusterHealth: () => ({
        ...{ state: 'degraded', at, endpointsTakenAt: ahead },
        ...{ moreReasons: 0, shards: 1, shardsWithoutReadyEndpoint: 0, endpoints: 1, endpointsReady: 1, endpointsUnsteady: 0 },
        reasons: [
          { code: 'fleet_observation_old', severity: 'warning', subject: 'fleet-observer', detail: 'a clock was wrong', at: ahead },
        ],
        services: [
          { ...service, at: ahead },
          { ...service, at: skewed },
        ],
      }),
    };
    const { endpoints, reasons, services } = (await read('health')).body;
    expect(endpoints).toMatchObject({ taken_at: ahead, age_ms: null });
    expect(reasons).toMatchObject([{ at: ahead, age_ms: null }]);
    expect(services).toMatchObject([
      { at: ahead, age_ms: null },
      { at: skewed, age_ms: 0 },
    ]);
  });

  it('has its pillars told by kind and service: null for what is not known, and a measured zero as zero', async () => {
    const pillar = { scope: 'kind', name: 'runner', pillar: 'cpu', unit: 'cores', query: 'sum(a)' };
    stage.gateway.peers.answers = {
      getClusterStats: () => ({
        ...{ at, available: false, url: 'http://127.0.0.1:8428', problem: 'it did not answer in time' },
        pillars: [
          { ...pillar, value: 0 },
          { ...pillar, pillar: 'memory', unit: 'bytes', query: 'sum(b)', value: undefined },
          { ...pillar, scope: 'service', name: 'audit', value: 1.5 },
        ],
      }),
    };
    const told = { pillar: 'cpu', unit: 'cores', query: 'sum(a)', at };
    expect((await read('stats')).body).toEqual({
      at,
      source: { available: false, url: 'http://127.0.0.1:8428', problem: 'it did not answer in time' },
      kinds: serviceKinds.map((kind) => ({
        kind,
        pillars:
          kind === 'runner'
            ? [
                { ...told, value: 0 },
                { pillar: 'memory', unit: 'bytes', query: 'sum(b)', at, value: null },
              ]
            : [],
      })),
      services: controlPlaneServices.map((service) => ({ service, pillars: service === 'audit' ? [{ ...told, value: 1.5 }] : [] })),
    });
  });

  it('is for whoever may read the fleet', async () => {
    for (const path of ['health', 'stats']) {
      expect((await stage.gateway.call('GET', `/platform/v1/cluster/${path}`)).status).toBe(401);
    }
    expect(stage.gateway.peers.calls).toEqual([]);
  });
});
