/** What is measured in the running product: by VictoriaMetrics, by the pages that list it, and in bounded numbers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { controlPlaneServices, serviceKinds } from '@fairlead/contracts';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventually, metricsAnswer, testFolder, testMetricsAgent, testVictoriaMetrics, victoriaMetricsProgram } from '@fairlead/testing';
import { readMetrics, tableOf, type MetricsText } from './support/metrics-text.js';
import { Operator } from './support/operator.js';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/instrumentation.md'), 'utf8');
let stack: Stack;
let stateDir: string;
let ann: Operator;

beforeAll(async () => {
  victoriaMetricsProgram();
  stateDir = testFolder('stack');
  stack = await startStack({
    stateDir,
    port: 0,
    separate: true,
    sim: true,
    metrics: { scrapeIntervalSeconds: 1 },
    // More tenants than are told apart.
    env: {
      SIM_TENANTS: '40',
      SIM_RATE: '40',
      FLEET_INTERVAL_MS: '1000',
      FLEET_METRICS_INTERVAL_MS: '1000',
      FLEET_CRASH_LOOP_RESTARTS: '2',
    },
    log: () => undefined,
  });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
}, 400_000);

afterAll(async () => {
  await stack.stop();
}, 60_000);

interface Pillar {
  pillar: string;
  value: number | null;
  unit: string;
  query: string;
  at: string;
}
interface Stats {
  at: string;
  source: { available: boolean; url: string | null; problem: string | null };
  kinds: { kind: string; pillars: Pillar[] }[];
  services: { service: string; pillars: Pillar[] }[];
}
interface Health {
  state: string;
  reasons: { code: string; severity: string; subject: string; age_ms: number | null }[];
  services: { service: string; status: string }[];
}

/** VictoriaMetrics adds up in any order: the last digits of a sum may differ from answer to answer. */
const about = (value: number | null | undefined): unknown =>
  typeof value === 'number' && value !== 0 ? expect.closeTo(value, Math.max(0, 9 - Math.floor(Math.log10(Math.abs(value))))) : value;

const statsNow = async () => (await ann.get<Stats>('/platform/v1/cluster/stats')).body;
const healthNow = async () => (await ann.get<Health>('/platform/v1/cluster/health')).body;
const pillarsOf = ({ kinds, services }: Stats) => [...kinds, ...services].flatMap(({ pillars }) => pillars);

describe('the pillars', () => {
  it('are known of every kind and every service, as VictoriaMetrics knows them', async () => {
    const { stats, byHand } = await eventually(
      async () => {
        const told = await statsNow();
        // Of the services that nobody calls at the moment there is no latency to be told.
        const missing = pillarsOf(told).filter(({ pillar, value }) => value === null && ['cpu', 'memory'].includes(pillar));
        const ofKinds = told.kinds.flatMap(({ pillars }) => pillars).filter(({ value }) => value === null);
        if (missing.length + ofKinds.length > 0)
          throw new Error(`unknown: ${[...missing, ...ofKinds].map(({ query }) => query).join('; ')}`);
        const answers = await Promise.all(
          pillarsOf(told).map(({ query, at }) => metricsAnswer(stack.metricsUrl, query, Date.parse(at) / 1_000)),
        );
        return { stats: told, byHand: answers.map((answer) => answer ?? null) };
      },
      { what: 'every pillar', timeoutMs: 120_000, intervalMs: 1_000 },
    );
    expect(stats.source).toEqual({ available: true, url: stack.metricsUrl, problem: null });
    expect(stats.kinds.map(({ kind }) => kind)).toEqual(serviceKinds);
    expect(stats.services.map(({ service }) => service)).toEqual(controlPlaneServices);
    for (const [index, { query, value }] of pillarsOf(stats).entries())
      expect({ query, value }).toEqual({ query, value: about(byHand[index]) });
    for (const { pillar, value } of pillarsOf(stats)) {
      if (pillar === 'memory') expect(value).toBeGreaterThan(1_000_000);
      if (pillar === 'error_rate' && value !== null) expect(value <= 1).toBe(true);
    }
  }, 180_000);

  it('are known as well where a vmagent scrapes and another VictoriaMetrics keeps what it sends', async () => {
    const kept = await testVictoriaMetrics([]);
    const stopAgent = await testMetricsAgent({ scrapeConfig: join(stateDir, 'victoria-metrics', 'scrape.json'), receiver: kept.url });
    try {
      const { kinds, services } = await statsNow();
      // What nobody calls has no rate yet.
      const wanted = [
        ...kinds.flatMap(({ pillars }) => pillars),
        ...services.flatMap(({ pillars }) => pillars.filter(({ pillar }) => ['cpu', 'memory'].includes(pillar))),
      ];
      await eventually(
        async () => {
          const at = Date.now() / 1_000;
          const answers = await Promise.all(wanted.map(({ query }) => kept.number(query, at)));
          const missing = wanted.filter((_, index) => answers[index] === undefined).map(({ query }) => query);
          if (missing.length > 0) throw new Error(`not sent: ${missing.join('; ')}`);
          return true;
        },
        { what: 'every pillar, by vmagent', timeoutMs: 120_000, intervalMs: 1_000 },
      );
    } finally {
      await stopAgent();
      await kept.stop();
    }
  }, 150_000);

  it('are unknown and not zero while VictoriaMetrics is away, and known again when it is back', async () => {
    const hold = await stack.hold('victoria-metrics');
    const away = await eventually(
      async () => {
        const told = await statsNow();
        return told.source.available ? undefined : told;
      },
      { what: 'an answer without VictoriaMetrics', timeoutMs: 60_000, intervalMs: 500 },
    );
    expect(away.source).toEqual({
      available: false,
      url: stack.metricsUrl,
      problem: expect.stringMatching(/it can not be reached|connection was lost/),
    });
    expect(pillarsOf(away).every(({ value }) => value === null)).toBe(true);
    await hold.release();
    await eventually(async () => (await statsNow()).source.available, {
      what: 'VictoriaMetrics again',
      timeoutMs: 60_000,
      intervalMs: 500,
    });
  }, 150_000);
});

describe('the health of the cluster', () => {
  const state = (wanted: string) =>
    eventually(
      async () => {
        const health = await healthNow();
        if (health.state !== wanted) throw new Error(JSON.stringify(health));
        return health;
      },
      { what: `a cluster that is ${wanted}`, timeoutMs: 90_000, intervalMs: 500 },
    );

  it('is what its shards, endpoints and services are', async () => {
    const { services, reasons } = await state('healthy');
    expect(reasons).toEqual([]);
    expect(services).toEqual(controlPlaneServices.map((service) => expect.objectContaining({ service, status: 'ready' })));
    await ann.turn('runner', 'runner-2', { health: 'unhealthy' });
    const sick = await state('unhealthy');
    expect(sick.reasons).toContainEqual(
      expect.objectContaining({ code: 'shard_without_ready_endpoint', severity: 'critical', subject: 'runner/runner-2' }),
    );
    for (const { age_ms } of sick.reasons) expect(age_ms).toBeGreaterThanOrEqual(0);
    await ann.turn('runner', 'runner-2', { health: 'healthy' });
    await state('healthy');
    const hold = await stack.hold('audit');
    const without = await state('unhealthy');
    expect(without.reasons.map(({ code, subject }) => `${code} ${subject}`)).toContain('service_not_ready audit');
    await hold.release();
    await state('healthy');
  }, 300_000);
});

describe('an endpoint that crash-loops', () => {
  const endpoint = 'projection.projection-2.projection-2-1';

  it('is told by its history and the health of the cluster, and warned of by plans that would move something there', async () => {
    const restarts = async () => {
      const { body } = await ann.get<{ items: { what: string }[] }>(`/admin/v1/fleet/endpoints/${endpoint}/history`);
      return body.items.filter(({ what }) => what === 'restarted').length;
    };
    for (const times of [1, 2]) {
      // Longer than what may be a clock that was set.
      await ann.turn('projection', 'projection-2', { crash: { restart_ms: 3_000 } });
      await eventually(async () => (await restarts()) >= times, { what: 'the restart to be seen', timeoutMs: 60_000, intervalMs: 500 });
    }
    const { reasons } = await eventually(
      async () => {
        const health = await healthNow();
        return health.state === 'degraded' ? health : undefined;
      },
      { what: 'a shard that is ready again', timeoutMs: 60_000, intervalMs: 500 },
    );
    expect(reasons.map(({ code, subject }) => `${code} ${subject}`)).toEqual([`endpoint_crash_looping ${endpoint}`]);
    const { body } = await ann.get<{ items: { tenant_id: string; placement: Record<string, { shard: string }> }[] }>('/admin/v1/tenants');
    const tenant = body.items.find(({ placement }) => placement['projection']?.shard !== 'projection-2')?.tenant_id ?? '';
    const plan = await ann.plan(tenant, { projection: 'projection-2' });
    expect(plan.body.checks.find(({ name }) => name === 'projection.target_steady')).toEqual({
      ...{ name: 'projection.target_steady', verdict: 'warn', value: 'crash_looping', limit: 'steady' },
      message: 'projection projection-2 is not steady: projection-2-1 is crash looping',
    });
  }, 240_000);
});

describe('what services tell of themselves', () => {
  let ours: Map<string, MetricsText>;
  let managed: MetricsText[];

  const read = async (url: string) => readMetrics(await (await fetch(`${url}/metrics`)).text());

  beforeAll(async () => {
    // What must not become a label: ids of what is and what is not, and paths that nobody declared.
    for (const path of [
      '/admin/v1/tenants/tenant-01',
      '/admin/v1/jobs/job_01a20017243572798e406a6c5b3211ef',
      '/nonsense/4711',
      '/admin/v1/nothing/here',
    ])
      await ann.get(path);
    const ports = JSON.parse(readFileSync(join(stack.stateDir, 'ports.json'), 'utf8')) as Record<string, number>;
    const urlOf = (service: string) => (service === 'api-gateway' ? stack.url : `http://127.0.0.1:${String(ports[`${service}.http`])}`);
    ours = new Map();
    for (const service of controlPlaneServices) ours.set(service, await read(urlOf(service)));
    const { shards } = (await (await fetch(`${stack.simUrl}/sim/topology`)).json()) as { shards: { endpoints: { url: string }[] }[] };
    managed = await Promise.all(shards.flatMap(({ endpoints }) => endpoints.map(({ url }) => read(url))));
  }, 60_000);

  const told = (service: string) => [...(ours.get(service)?.metrics ?? [])].map(([name, { type }]) => `${name} ${type}`).sort();

  it('is what docs/instrumentation.md lists, no less and no more', () => {
    const ofAll = [...tableOf(page, 'All of them'), ...tableOf(page, 'Of the process')];
    for (const service of controlPlaneServices) {
      const ofSome = tableOf(page, 'Some of them').filter(([, , , , services = '']) => services.split(', ').includes(service));
      const listed = [...ofAll, ...ofSome].map(([name, type]) => `${String(name)} ${String(type)}`).sort();
      expect({ service, metrics: told(service) }).toEqual({ service, metrics: listed });
    }
  });

  it('is, of managed services, what the page asks of them', () => {
    const listed = tableOf(page, 'Managed services').map(([name = '', , type = '', labels = '']) => ({ name, type, labels }));
    for (const { metrics } of managed) {
      const prefix = [...metrics.keys()].find((name) => name.endsWith('_build_info'))?.slice(0, -'_build_info'.length) ?? '';
      const asked = listed.map(({ name, type }) => `${name.replace('<service>', prefix)} ${type}`).sort();
      expect([...metrics].map(([name, { type }]) => `${name} ${type}`).sort()).toEqual(asked);
      for (const { name, labels } of listed) {
        const has = [...(metrics.get(name.replace('<service>', prefix))?.labels.keys() ?? [])].filter((label) => label !== 'le');
        expect(has.sort()).toEqual(labels === '–' ? [] : labels.split(', ').sort());
      }
    }
  });

  it('has labels as the page lists them alone, each with few values, and none that is an id or a path', () => {
    const mostOf = new Map(
      tableOf(page, 'Labels').flatMap(([labels = '', , most = '']) => labels.split(', ').map((label) => [label, Number(most)] as const)),
    );
    const routes = new Set<string>();
    let tenants = 0;
    for (const { metrics } of [...ours.values(), ...managed]) {
      for (const [name, { labels }] of metrics) {
        for (const [label, values] of labels) {
          const most = mostOf.get(label) ?? `no row for the label ${label}`;
          expect({ name, label, most, within: values.size <= Number(most) }).toEqual({ name, label, most, within: true });
          if (label.startsWith('tenant')) {
            tenants = Math.max(tenants, values.size);
            expect(values.size).toBeLessThanOrEqual(21);
          }
          for (const value of values) {
            if (label === 'route') routes.add(value);
            else if (label !== 'git_sha') expect({ name, label, value, id: isId(value) }).toEqual({ name, label, value, id: false });
          }
        }
      }
    }
    // It can fail: there are more tenants than are told apart, and some were.
    expect(tenants).toBe(21);
    expect(routes).toContain('/admin/v1/tenants/:id');
    expect([...routes].filter((route) => /tenant-01|job_|nonsense|nothing/.test(route))).toEqual([]);
  });
});

/** A path, an address, or a text with so long a number as only ids have. */
function isId(value: string): boolean {
  const isRpc = /^\/fairlead\.[\w.]+\/\w+$/.test(value);
  return (value.includes('/') && !isRpc) || /[0-9a-f]{12,}/i.test(value) || /\d{5,}/.test(value) || value.includes('://');
}
