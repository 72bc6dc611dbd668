// Real: Postgres with the event log, the observer over gRPC, a placement server over gRPC, endpoints over HTTP. Without NATS.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FairleadError } from '@fairlead/contracts';
import { headPosition, readLog } from '@fairlead/event-log';
import { breakableLink, eventually, testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrations } from './index.js';
import { startManagedEndpoint, type ManagedEndpoint } from './managed-endpoint.fixture.js';
import { startStack, type Observer, type Stack } from './observer.fixture.js';

let database: TestDatabase;
let stack: Stack;
let observer: Observer;
let endpoints: [ManagedEndpoint, ManagedEndpoint, ManagedEndpoint];

// Loaded machines take their time; a hang still ends.
/** What was started, to be ended in reverse even when the start broke off half-way. */
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await testDatabase({ service: 'fleet-observer', migrations });
  cleanups.push(() => database.drop());
  endpoints = await Promise.all([startManagedEndpoint(), startManagedEndpoint(), startManagedEndpoint()]);
  cleanups.push(async () => {
    await Promise.all(endpoints.map((endpoint) => endpoint.stop()));
  });
  stack = await startStack(database);
  cleanups.push(() => stack.stop());
  register();
  observer = await stack.observer();
});

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** Aggregate shard a-1, runner shard r-1, and gateway shard g-1 with one live endpoint and one that is away. */
function register(): void {
  stack.shards.clear();
  stack.shards.set('runner/r-1', [endpoints[1].url]).set('aggregate/a-1', [`${endpoints[0].url}/`]);
  stack.shards.set('gateway/g-1', [endpoints[2].url, 'http://127.0.0.1:1']);
}

/** The snapshot, taken after now. */
const fresh = (from = observer) => from.getSnapshot({ maxAgeMs: 1 });

let position = 0;

beforeEach(async () => {
  register();
  for (const endpoint of endpoints) Object.assign(endpoint, { health: 200, ready: 200, version: '1.0.0', inflight: 3, hangs: false });
  await fresh();
  for (const endpoint of endpoints) endpoint.asked.length = 0;
  position = await headPosition(database.db);
});

async function changes() {
  const events = await readLog(database.db, { after: position, limit: 1_000, aggregateType: 'endpoint' });
  const stateIn = (payload: Record<string, unknown>, side: string) => (payload[side] as { state: string } | null)?.state;
  const told = events.map(({ aggregateId, payload }) => [aggregateId, stateIn(payload, 'from'), stateIn(payload, 'to')]);
  // By endpoint: those of different ones may come in one commit or in two.
  return told.sort(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0));
}

async function errorOf(call: Promise<unknown>): Promise<FairleadError> {
  return call.then(
    () => {
      throw new Error('the call should have failed');
    },
    (error: unknown) => error as FairleadError,
  );
}

describe('the snapshot', () => {
  it('tells every registered endpoint, and what could not be reached', async () => {
    const before = Date.now();
    const snapshot = await fresh();
    expect(snapshot.endpoints.map(({ kind, shardId, endpointId }) => `${kind}.${shardId}.${endpointId}`)).toEqual([
      'aggregate.a-1.e1',
      'gateway.g-1.e1',
      'gateway.g-1.e2',
      'runner.r-1.e1',
    ]);
    expect(snapshot.endpoints[0]).toMatchObject({
      healthy: true,
      ready: true,
      version: '1.0.0',
      gitSha: 'abc',
      inflight: 3,
      lag: 4,
      startedAt: '2026-11-21T10:00:00.000Z',
      problem: '',
    });
    expect(Date.parse(snapshot.endpoints[0]?.metricsTakenAt ?? '')).toBeGreaterThanOrEqual(before);
    expect(snapshot.endpoints[2]).toMatchObject({ reachable: false, problem: 'it can not be reached', url: 'http://127.0.0.1:1' });
    expect(snapshot.unreachable).toBe(1);
    expect(Date.parse(snapshot.takenAt)).toBeGreaterThanOrEqual(before);
  });

  it('is taken once for all who ask at the same moment, and not at all for those content with an older one', async () => {
    const { takenAt } = await observer.getSnapshot({ maxAgeMs: 0 });
    await eventually(() => Date.now() - Date.parse(takenAt) > 500, { what: 'the snapshot to be half a second old' });
    await Promise.all(Array.from({ length: 20 }, () => observer.getSnapshot({ maxAgeMs: 500 })));
    expect(endpoints.map(({ asked }) => asked.filter((path) => path === '/health').length)).toEqual([1, 1, 1]);
    const taken = await observer.getSnapshot({ maxAgeMs: 0 });
    expect(await observer.getSnapshot({ maxAgeMs: 3_600_000 })).toEqual(taken);
    expect(endpoints[0].asked).toHaveLength(3);
  });

  it('refuses an age that is none', async () => {
    expect((await errorOf(observer.getSnapshot({ maxAgeMs: -1 }))).code).toBe('invalid_argument');
  });

  it('is not held up by endpoints that hang, longer than their timeout', async () => {
    endpoints[0].hangs = true;
    const startedAt = performance.now();
    const [first] = (await fresh()).endpoints;
    expect(first).toMatchObject({ reachable: false, problem: 'it did not answer in time' });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  it('calls no forbidden address and says so', async () => {
    stack.shards.set('runner/r-9', ['http://169.254.169.254', 'http://8.8.8.8']);
    const found = (await fresh()).endpoints.filter(({ shardId }) => shardId === 'r-9');
    expect(found.map(({ problem }) => problem)).toEqual(Array(2).fill('its address is not one that may be called'));
  });
});

describe('a change', () => {
  it('becomes an event with what was and what is, and what stays the same becomes none', async () => {
    endpoints[0].inflight = 99;
    await fresh();
    expect(await changes()).toEqual([]);
    endpoints[0].ready = 503;
    await fresh();
    await fresh();
    expect(await changes()).toEqual([['aggregate.a-1.e1', 'ready', 'not_ready']]);
    const [event] = await readLog(database.db, { after: position, limit: 1, aggregateType: 'endpoint' });
    expect(event).toMatchObject({
      type: 'endpoint_health_changed',
      payload: { kind: 'aggregate', shard_id: 'a-1', endpoint_id: 'e1', to: { state: 'not_ready', version: '1.0.0', problem: '' } },
      meta: { principal: 'service:fleet-observer' },
    });
  });

  it('of version, of what is registered, and of reachability is told', async () => {
    endpoints[1].version = '1.1.0';
    stack.shards.delete('aggregate/a-1');
    stack.shards.set('runner/r-2', [endpoints[0].url]).set('gateway/g-1', [endpoints[2].url, endpoints[2].url]);
    await fresh();
    expect(await changes()).toEqual([
      ['aggregate.a-1.e1', 'ready', undefined],
      ['gateway.g-1.e2', 'unreachable', 'ready'],
      ['runner.r-1.e1', 'ready', 'ready'],
      ['runner.r-2.e1', undefined, 'ready'],
    ]);
    expect((await observer.getSnapshot({ maxAgeMs: 0 })).endpoints.some(({ kind }) => kind === 'aggregate')).toBe(false);
  });

  it('is told once by two replicas', async () => {
    const other = await stack.observer();
    await fresh(other);
    endpoints[2].health = 503;
    await Promise.all([fresh(), fresh(other), fresh(), fresh(other)]);
    expect(await changes()).toEqual([['gateway.g-1.e1', 'ready', 'unhealthy']]);
    await other.stop();
  });
});

describe('a replica that looks without reading metrics', () => {
  it('takes over those that another has read since, and tells no older ones', async () => {
    const other = await stack.observer({ FLEET_INTERVAL_MS: '200', FLEET_METRICS_INTERVAL_MS: '3600000', FLEET_PROBE_TIMEOUT_MS: '5000' });
    const asked = (path: string) => endpoints[0].asked.filter((one) => one === path).length;
    await eventually(() => asked('/health') >= 3, { what: 'looks of the other replica' });
    endpoints[0].version = '1.1.0';
    await observer.checkShard({ kind: 'aggregate', shardId: 'a-1' });
    const before = asked('/health');
    await eventually(() => asked('/health') >= before + 3, { what: 'later looks of the other replica' });
    await eventually(async () => (await other.getSnapshot({ maxAgeMs: 0 })).endpoints[0]?.version === '1.1.0', {
      what: 'the version that was read by one to be known to the other',
    });
    await other.stop();
    const events = await readLog(database.db, { after: position, limit: 1_000, aggregateType: 'endpoint' });
    const version = (of: unknown) => (of as { version: string }).version;
    const told = events.map(({ payload: { from, to } }) => `${version(from)}>${version(to)}`);
    expect(told.filter((one) => one !== '1.0.0>1.0.0' && one !== '1.1.0>1.1.0')).toEqual(['1.0.0>1.1.0']);
  });
});

describe('in turns', () => {
  it('every endpoint is asked for its health, and more seldom for its metrics, whose age is told', async () => {
    const replica = await stack.observer({ FLEET_INTERVAL_MS: '200', FLEET_METRICS_INTERVAL_MS: '1000' });
    const times = (path: string) => Math.min(...endpoints.map(({ asked }) => asked.filter((one) => one === path).length));
    await eventually(() => times('/health') >= 15 && times('/ready') >= 15 && times('/metrics') >= 3, { what: 'fifteen turns' });
    for (const { asked } of endpoints) expect(asked.filter((path) => path === '/metrics').length).toBeLessThan(asked.length / 5);
    endpoints[0].ready = 503;
    const first = async () => (await replica.getSnapshot({ maxAgeMs: 0 })).endpoints[0];
    const seen = await eventually(
      async () => {
        const health = await first();
        return health?.ready === false && health.metricsTakenAt < health.takenAt ? health : undefined;
      },
      { what: 'readiness that is newer than the metrics' },
    );
    expect(seen).toMatchObject({ version: '1.0.0', inflight: 3, lag: 4, problem: '' });
    await replica.stop();
    expect(await changes()).toEqual([['aggregate.a-1.e1', 'ready', 'not_ready']]);
  });

  it('those that hang keep none of the others waiting', async () => {
    endpoints[0].hangs = true;
    const replica = await stack.observer({ FLEET_INTERVAL_MS: '200', FLEET_PROBE_TIMEOUT_MS: '5000', FLEET_PROBE_CONCURRENCY: '2' });
    const asked = () => endpoints[1].asked.filter((path) => path === '/health').length;
    await eventually(() => asked() >= 5, { what: 'turns of the others' });
    endpoints[0].hangs = false;
    await replica.stop();
  });
});

describe('a restarted replica', () => {
  it('serves the last snapshot with its age until it has one of its own', async () => {
    const last = await fresh();
    for (const endpoint of endpoints) endpoint.hangs = true;
    const restarted = await stack.observer({ FLEET_PROBE_TIMEOUT_MS: '5000' });
    // The fourth endpoint is away, which is found at once.
    const answering = ({ endpoints: all }: typeof last) => all.filter(({ reachable }) => reachable);
    const served = await restarted.getSnapshot({ maxAgeMs: 0 });
    expect(answering(served)).toEqual(answering(last));
    expect(answering(served)).toHaveLength(3);
    expect(answering(last).every(({ takenAt }) => served.takenAt <= takenAt)).toBe(true);
    for (const endpoint of endpoints) endpoint.hangs = false;
    await restarted.stop();
  });

  it('probes the endpoints last seen while nobody can tell which there are', async () => {
    const restarted = await stack.observer({ PLACEMENT_GRPC: '127.0.0.1:1' });
    endpoints[0].ready = 503;
    expect((await fresh(restarted)).endpoints).toHaveLength(4);
    expect(await changes()).toEqual([['aggregate.a-1.e1', 'ready', 'not_ready']]);
    await restarted.stop();
  });

  it('takes away none that another replica has come to know meanwhile', async () => {
    const restarted = await stack.observer({ PLACEMENT_GRPC: '127.0.0.1:1' });
    stack.shards.set('runner/r-7', [endpoints[0].url]);
    await fresh();
    await fresh(restarted);
    expect((await changes()).filter(([key]) => key === 'runner.r-7.e1')).toEqual([['runner.r-7.e1', undefined, 'ready']]);
    await restarted.stop();
  });
});

describe('Postgres that goes away', () => {
  it('holds up no snapshot, and a change meanwhile is told afterwards', async () => {
    const { hostname, port } = new URL(database.url);
    const link = await breakableLink({ host: hostname, port: Number(port) });
    const url = new URL(database.url);
    url.port = String(link.port);
    const replica = await stack.observer({ DATABASE_URL: url.href });
    try {
      await fresh(replica);
      link.cut();
      endpoints[0].ready = 503;
      stack.shards.delete('runner/r-1');
      expect((await fresh(replica)).endpoints.map(({ ready }) => ready)).toEqual([false, true, false]);
      expect((await replica.checkShard({ kind: 'aggregate', shardId: 'a-1' })).endpoints).toMatchObject([{ ready: false }]);
      expect(await changes()).toEqual([]);
      link.mend();
      await fresh(replica);
      expect(await changes()).toEqual([
        ['aggregate.a-1.e1', 'ready', 'not_ready'],
        ['runner.r-1.e1', 'ready', undefined],
      ]);
    } finally {
      await replica.stop();
      await link.close();
    }
  });
});

describe('one shard', () => {
  it('is probed alone and now, and its change is told', async () => {
    endpoints[1].ready = 503;
    const { endpoints: checked } = await observer.checkShard({ kind: 'runner', shardId: 'r-1' });
    expect(checked).toMatchObject([{ shardId: 'r-1', endpointId: 'e1', healthy: true, ready: false }]);
    expect(endpoints.map(({ asked }) => asked.length)).toEqual([0, 3, 0]);
    expect(await changes()).toEqual([['runner.r-1.e1', 'ready', 'not_ready']]);
    const kept = (await observer.getSnapshot({ maxAgeMs: 0 })).endpoints;
    expect(kept.map(({ ready }) => ready)).toEqual([true, true, false, false]);
  });

  it('that nobody knows, or that is none, is refused', async () => {
    expect((await errorOf(observer.checkShard({ kind: 'runner', shardId: 'r-404' }))).code).toBe('shard_not_found');
    expect((await errorOf(observer.checkShard({ kind: 'walker', shardId: 'r-1' }))).code).toBe('invalid_argument');
    expect((await errorOf(observer.checkShard({ kind: 'runner', shardId: '../x' }))).code).toBe('invalid_argument');
  });
});

describe('the applied placement', () => {
  it('is asked of every gateway now, and those that do not say are not alive', async () => {
    endpoints[2].state = { epoch: 2, revision: 12, tenants: 5 };
    stack.shards.set('gateway/g-2', [endpoints[0].url]);
    endpoints[0].state = undefined;
    expect(await observer.getAppliedPlacement({})).toEqual({
      gateways: [
        { shardId: 'g-1', endpointId: 'e1', alive: true, epoch: 2, revision: 12, problem: '' },
        { shardId: 'g-1', endpointId: 'e2', alive: false, epoch: 0, revision: 0, problem: 'it can not be reached' },
        { shardId: 'g-2', endpointId: 'e1', alive: false, epoch: 0, revision: 0, problem: 'status 404' },
      ],
    });
    endpoints[0].state = { epoch: '2' };
    expect((await observer.getAppliedPlacement({})).gateways[2]).toMatchObject({
      alive: false,
      problem: 'it does not say which placement it applied',
    });
  });

  it('waits for no gateway longer than a second', async () => {
    endpoints[2].hangs = true;
    const startedAt = performance.now();
    expect((await observer.getAppliedPlacement({})).gateways[0]).toMatchObject({ alive: false, problem: 'it did not answer in time' });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });
});

describe('the configuration that gateways go by', () => {
  const document = 'routing/platform/default';

  it('is asked of each, and those that know of none are told apart from those that are away', async () => {
    endpoints[2].state = { epoch: 2, revision: 12, config: { [document]: { epoch: 1, revision: 4, sha256: 'f00' } } };
    stack.shards.set('gateway/g-2', [endpoints[0].url]);
    const [first, second, third] = (await observer.getAppliedConfig({ document })).gateways;
    expect(first).toMatchObject({ shardId: 'g-1', alive: true, follows: true, epoch: 1, revision: 4, sha256: 'f00', problem: '' });
    expect(second).toMatchObject({ alive: false, follows: false, problem: 'it can not be reached' });
    expect(third).toMatchObject({ shardId: 'g-2', alive: true, follows: false, revision: 0 });
    expect((await observer.getAppliedConfig({ document: 'other/platform/default' })).gateways[0]).toMatchObject({
      follows: true,
      revision: 0,
    });
    expect((await errorOf(observer.getAppliedConfig({ document: 'a b' }))).code).toBe('invalid_argument');
  });

  it('is seen by the routes that they would take', async () => {
    const requests = ['/api', '/other'].map((path) => ({ host: 'any.invalid', path }));
    const { resolved } = await observer.resolveRoutes({ gateways: ['g-1/e1', 'g-1/e2', 'a-1/e1'], requests });
    expect(resolved.map(({ endpointId, route, revision, problem }) => [endpointId, route, revision, problem])).toEqual([
      ['e1', 'api', 4, ''],
      ['e1', '', 0, 'it finds no route'],
      ['e2', '', 0, 'it can not be reached'],
      ['e2', '', 0, 'it can not be reached'],
    ]);
    expect((await errorOf(observer.resolveRoutes({ gateways: [], requests: [{ host: '', path: 'api' }] }))).code).toBe('invalid_argument');
  });
});

describe('who may', () => {
  it('read is whoever may read the fleet', async () => {
    const viewer = await stack.signers['api-gateway'].signUser({ userId: 'usr_v', email: 'v@example.org', roles: ['viewer'] }, 60);
    expect((await observer.getSnapshot({ maxAgeMs: 0 }, { token: viewer })).endpoints).toHaveLength(4);
    const token = await stack.signers.provisioner.serviceToken();
    const calls = [
      observer.getSnapshot({ maxAgeMs: 0 }, { token }),
      observer.checkShard({ kind: 'runner', shardId: 'r-1' }, { token }),
      observer.getAppliedPlacement({}, { token }),
    ];
    expect((await Promise.all(calls.map(errorOf))).map(({ code }) => code)).toEqual(Array(3).fill('permission_denied'));
  });
});

describe('metrics', () => {
  it('tell the endpoints by state', async () => {
    const metrics = await eventually(async () => (await fetch(`${observer.httpUrl}/metrics`)).text(), { what: 'the metrics' });
    expect(metrics).toMatch(/fairlead_fleet_endpoints\{kind="gateway",state="ready"\} 1/);
    expect(metrics).toMatch(/fairlead_fleet_endpoints\{kind="gateway",state="unreachable"\} 1/);
    expect(metrics).toMatch(/fairlead_fleet_snapshot_age_seconds \d/);
    expect(metrics).toMatch(/fairlead_fleet_probes_waiting 0/);
    expect(metrics).toMatch(/fairlead_fleet_probe_duration_seconds_count\{kind="runner"\} [1-9]/);
  });
});
