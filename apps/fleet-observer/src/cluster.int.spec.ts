// What is told of the whole cluster. Real: Postgres, the observer over gRPC, VictoriaMetrics scraping services over HTTP.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  eventually,
  testDatabase,
  testSettleMs,
  testVictoriaMetrics,
  type TestDatabase,
  type TestVictoriaMetrics,
} from '@fairlead/testing';
import { pillarQueries } from './domain/pillars.js';
import { migrations } from './index.js';
import { startManagedEndpoint } from './managed-endpoint.fixture.js';
import { startStack, type Observer, type Stack } from './observer.fixture.js';

let database: TestDatabase;
let stack: Stack;

/** What was started, to be ended in reverse even when the start broke off half-way. */
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await testDatabase({ service: 'fleet-observer', migrations });
  cleanups.push(() => database.drop());
  stack = await startStack(database);
  cleanups.push(() => stack.stop());
});

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

async function serve(listener: RequestListener): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  cleanups.push(stop);
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, stop };
}

/** A managed service whose figures grow with the time: 20 requests a second, one in ten an error, half of the CPU. */
function measuredService(): Promise<{ url: string }> {
  const began = performance.now();
  return serve((_request, response) => {
    const seconds = (performance.now() - began) / 1_000;
    const requests = Math.floor(seconds * 20);
    response.end(
      [
        `process_cpu_seconds_total ${String(seconds / 2)}`,
        'process_resident_memory_bytes 123456789',
        `http_requests_total{status_class="2xx"} ${String(requests * 0.9)}`,
        `http_requests_total{status_class="5xx"} ${String(requests * 0.1)}`,
        `http_request_duration_seconds_bucket{le="0.1"} ${String(requests * 0.5)}`,
        `http_request_duration_seconds_bucket{le="1"} ${String(requests)}`,
        `http_request_duration_seconds_bucket{le="+Inf"} ${String(requests)}`,
        '',
      ].join('\n'),
    );
  });
}

const secondsOf = (at: string) => Date.parse(at) / 1_000;
const of = ({ pillars }: Awaited<ReturnType<Observer['getClusterStats']>>, name: string) =>
  Object.fromEntries(pillars.filter((one) => one.name === name).map(({ pillar, value }) => [pillar, value]));

describe('what is measured', () => {
  let metrics: TestVictoriaMetrics;
  let observer: Observer;

  beforeAll(async () => {
    const service = await measuredService();
    const where = { url: service.url };
    const targets: { url: string; labels: Record<string, string> }[] = [
      { ...where, labels: { kind: 'runner', shard: 'runner-1', endpoint: 'a' } },
      { ...where, labels: { kind: 'aggregate', shard: 'aggregate-1', endpoint: 'a' } },
      { ...where, labels: { service: 'placement' } },
    ];
    metrics = await testVictoriaMetrics(targets);
    cleanups.push(() => metrics.stop());
    observer = await stack.observer({ VICTORIA_METRICS_URL: `${metrics.url}/`, VICTORIA_METRICS_SETTLE_MS: String(testSettleMs) });
  }, 300_000);

  it('is what VictoriaMetrics answers to the same query at the same time', async () => {
    const equal = async () => {
      const stats = await observer.getClusterStats({});
      const p99 = of(stats, 'runner')['latency_p99'];
      // A rate needs two samples.
      if (p99 === undefined) return false;
      const byHand = await Promise.all(stats.pillars.map(({ query }) => metrics.number(query, secondsOf(stats.at))));
      return { stats, byHand };
    };
    const { stats, byHand } = await eventually(equal, { what: 'the first rates', timeoutMs: 90_000, intervalMs: 500 });
    expect(stats.pillars.map(({ value }) => value)).toEqual(byHand);
    expect(stats.pillars.map(({ scope, name, pillar, query, unit }) => ({ scope, name, pillar, query, unit }))).toEqual(pillarQueries);
    expect({ ...stats, pillars: [] }).toMatchObject({ available: true, url: metrics.url, problem: '' });
    const runner = of(stats, 'runner');
    expect(runner).toMatchObject({ memory: 123456789, error_rate: expect.closeTo(0.1, 5) });
    expect(runner['request_rate']).toBeGreaterThan(0);
    expect(runner['cpu']).toBeGreaterThan(0);
    expect(runner['latency_p99']).toBeGreaterThan(0.9);
  }, 120_000);

  it('is unknown, and no zero, where nothing was measured', async () => {
    const stats = await observer.getClusterStats({});
    expect(of(stats, 'projection')).toEqual({
      ...{ cpu: undefined, memory: undefined, request_rate: undefined, error_rate: undefined, latency_p99: undefined },
    });
    expect(of(stats, 'placement')).toMatchObject({ memory: 123456789, request_rate: undefined });
    expect(stats.available).toBe(true);
  });

  it('is unknown, with the reason, once VictoriaMetrics has gone', async () => {
    await metrics.stop();
    const stats = await eventually(
      async () => {
        const answer = await observer.getClusterStats({});
        return answer.available ? undefined : answer;
      },
      { what: 'an answer that is not kept from before', timeoutMs: 30_000 },
    );
    expect(stats.problem).toBe('it can not be reached');
    expect(stats.pillars.map(({ value }) => value)).toEqual(pillarQueries.map(() => undefined));
  }, 60_000);
});

describe('a source that is none', () => {
  const statsOf = async (env: Record<string, string>) => (await stack.observer(env)).getClusterStats({});
  const unknown = pillarQueries.map(() => undefined);

  it.each([
    ['another program', 404, '<html>hello</html>', 'it answered with status 404'],
    ['one that answers something else', 200, '{"status":"fine"}', 'what answers there does not speak the query API'],
    ['one that refuses', 422, '{"status":"error","error":"too many points"}', 'it refused the query: too many points'],
  ])('is told: %s', async (_what, status, body, problem) => {
    const { url } = await serve((_request, response) => response.writeHead(status).end(body));
    const stats = await statsOf({ VICTORIA_METRICS_URL: url });
    expect(stats).toMatchObject({ available: false, problem, url });
    expect(stats.pillars.map(({ value }) => value)).toEqual(unknown);
  });

  it('is told when it is slow, in bounded time', async () => {
    const { url } = await serve(() => undefined);
    const stats = await statsOf({ VICTORIA_METRICS_URL: url, VICTORIA_METRICS_TIMEOUT_MS: '300' });
    expect(stats).toMatchObject({ available: false, problem: 'it did not answer in time' });
    expect(stats.pillars.map(({ value }) => value)).toEqual(unknown);
  });

  it('is told when its answer is too large, and when none is set', async () => {
    const { url } = await serve((_request, response) => response.end('x'.repeat(1_000_000)));
    expect(await statsOf({ VICTORIA_METRICS_URL: url })).toMatchObject({ available: false, problem: 'its answer is too large' });
    expect(await statsOf({})).toMatchObject({ available: false, problem: 'VICTORIA_METRICS_URL is not set', url: '' });
  });

  it('is asked once for a hundred who ask at the same time, with its token and by the address without it', async () => {
    const asked: (string | undefined)[] = [];
    const { url } = await serve((request, response) => {
      asked.push(request.headers.authorization);
      response.end('{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"7.5"]}]}}');
    });
    const observer = await stack.observer({ VICTORIA_METRICS_URL: `${url}/select?extra=x`, VICTORIA_METRICS_TOKEN: 'only-for-this-test' });
    const all = await Promise.all(Array.from({ length: 100 }, () => observer.getClusterStats({})));
    expect(asked).toEqual(pillarQueries.map(() => 'Bearer only-for-this-test'));
    for (const stats of all) {
      expect(stats.url).toBe(`${url}/select`);
      expect(stats.pillars.every(({ value }) => value === 7.5)).toBe(true);
    }
  });
});

describe('health', () => {
  it('tells shards without a ready endpoint, services that are not ready, and how old that is', async () => {
    const [good, bad] = [await startManagedEndpoint(), await startManagedEndpoint()];
    cleanups.push(good.stop, bad.stop);
    stack.shards.set('runner/good', [good.url]).set('runner/bad', [bad.url]).set('runner/bare', []).set('runner/new', []);
    stack.tenants.set('runner/bare', 2);
    const answer = (service: string, status: string, checks: object) => JSON.stringify({ service, status, checks });
    const audit = await serve((_request, response) =>
      response.end(answer('audit', 'degraded', { nats: { ok: false, problem: 'not connected' } })),
    );
    const impostor = await serve((_request, response) => response.end(answer('audit', 'ready', {})));
    const urls = `audit=${audit.url},placement=${impostor.url},provisioner=http://127.0.0.1:1`;
    const observer = await stack.observer({ CONTROL_PLANE_URLS: urls });
    bad.ready = 503;
    await observer.getSnapshot({ maxAgeMs: 1 });
    const { at, endpointsTakenAt, reasons, services, ...health } = await observer.getClusterHealth({});
    expect(health).toEqual({
      state: 'unhealthy',
      ...{ moreReasons: 0, shards: 4, shardsWithoutReadyEndpoint: 3, endpoints: 2, endpointsReady: 1, endpointsUnsteady: 0 },
    });
    expect(services.map(({ service, status, problem }) => [service, status, problem])).toEqual([
      ['audit', 'degraded', 'nats: not connected'],
      ['placement', 'unreachable', 'another program answers there'],
      ['provisioner', 'unreachable', 'it can not be reached'],
    ]);
    expect(reasons.map(({ code, subject }) => `${code} ${subject}`)).toEqual([
      'shard_without_ready_endpoint runner/bad',
      'shard_without_ready_endpoint runner/bare',
      'service_not_ready placement',
      'service_not_ready provisioner',
      'shard_without_ready_endpoint runner/new',
      'service_degraded audit',
    ]);
    for (const seen of [endpointsTakenAt, ...reasons.map((reason) => reason.at), ...services.map((service) => service.at)])
      expect(seen <= at && seen !== '').toBe(true);
    bad.ready = 200;
    await observer.getSnapshot({ maxAgeMs: 1 });
    expect((await observer.getClusterHealth({})).shardsWithoutReadyEndpoint).toBe(2);
  });
});
