import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { startStage, type Stage } from './gateway.fixture.js';

let gateway: Stage['gateway'];
let run: Stage['run'];
let stop: Stage['stop'];

beforeEach(async () => {
  ({ gateway, run, stop } = await startStage());
});

afterEach(() => stop());

const at = '2026-11-21T10:00:00.000Z';

describe('cluster health', () => {
  const path = 'GET /platform/v1/cluster/health';
  const healthy = {
    ...{ state: 'healthy', at, reasons: [], more_reasons: 0, shards: { total: 8, without_ready_endpoint: 0 } },
    endpoints: { total: 9, ready: 9, unsteady: 0, taken_at: at, age_ms: 1_250 },
    services: [{ service: 'audit', status: 'ready', problem: null, at, age_ms: 0 }],
  };

  it('is told in a few lines, with exit code 0 when all is well', async () => {
    gateway.on(path, { body: healthy });
    expect(await run(['cluster', 'health'])).toMatchObject({
      exitCode: exitCodes.ok,
      out: [
        'state      healthy',
        'shards     8, 0 without a ready endpoint',
        'endpoints  9, 9 ready, 0 not steady',
        'asked      1.3 s ago',
        '',
        'SERVICE  STATUS  ASKED      PROBLEM',
        'audit    ready   0.0 s ago  -',
        '',
      ].join('\n'),
    });
  });

  it('names each reason, and exits with 1, when it is not', async () => {
    const reason = {
      code: 'endpoint_flapping',
      severity: 'warning',
      subject: 'runner.r.a',
      detail: 'its state \u001b[2J changes',
      at,
      age_ms: 400,
    };
    gateway.on(path, { body: { ...healthy, state: 'degraded', reasons: [reason], more_reasons: 3 } });
    const { exitCode, out, err } = await run(['cluster', 'health']);
    expect([exitCode, err]).toEqual([exitCodes.failed, expect.stringContaining('the platform is degraded')]);
    expect(out).toContain('warning   endpoint_flapping  runner.r.a  0.4 s ago  its state  [2J changes\nand 3 more\n');
    expect(JSON.parse((await run(['cluster', 'health', '-o', 'json'])).out)).toMatchObject({ state: 'degraded', reasons: [reason] });
  });
});

describe('cluster stats', () => {
  const path = 'GET /platform/v1/cluster/stats';
  const pillar = (name: string, value: number | null) => ({ pillar: name, value, unit: 'u', query: 'q', at });
  const measured = ['cpu', 'memory', 'request_rate', 'error_rate', 'latency_p99'].map((name, index) => {
    return pillar(name, [0.126, 52_428_800, 41.4, 0.0005, 0.0042][index] ?? null);
  });
  const stats = {
    at,
    source: { available: true, url: 'http://127.0.0.1:8428', problem: null },
    kinds: [{ kind: 'runner', pillars: measured }],
    services: [{ service: 'audit', pillars: measured.map(({ pillar: name }) => pillar(name, name === 'error_rate' ? 0 : null)) }],
  };

  it('are a table with a dash for what is not known, which is no zero', async () => {
    gateway.on(path, { body: stats });
    const { out, exitCode } = await run(['cluster', 'stats']);
    expect(exitCode).toBe(exitCodes.ok);
    expect(out.split('\n').slice(4, 7)).toEqual([
      'OF      CPU (CORES)  MEMORY  REQUESTS/S  ERRORS   P99',
      'runner  0.13         50 MiB  41          0.050 %  4.2 ms',
      'audit   -            -       -           0.0 %    -',
    ]);
  });

  it('say when they could not be asked', async () => {
    const source = { available: false, url: null, problem: 'VICTORIA_METRICS_URL is not set' };
    gateway.on(path, { body: { ...stats, source, kinds: [], services: [] } });
    const { err, exitCode } = await run(['cluster', 'stats']);
    expect([exitCode, err]).toEqual([exitCodes.failed, expect.stringContaining('VICTORIA_METRICS_URL is not set')]);
  });
});

describe('a cluster that another release tells of', () => {
  const more = { of_a_later_release: { a: [1, null] } };

  it('is shown as far as it is understood', async () => {
    const health = { state: 'healthy', reasons: [more] };
    const stats = { source: { available: true }, kinds: [more], services: [{ pillars: [more] }] };
    for (const answer of [health, { ...health, ...more, endpoints: more, shards: more, services: [more] }])
      gateway.on('GET /platform/v1/cluster/health', { body: answer });
    gateway.on('GET /platform/v1/cluster/stats', { body: stats });
    for (const line of ['health', 'stats']) {
      const { exitCode, out } = await run(['cluster', line]);
      expect(exitCode).toBe(exitCodes.ok);
      expect(out).not.toMatch(/undefined|NaN|\[object/);
    }
  });
});

describe('an endpoint', () => {
  it('has its history listed, page by page', async () => {
    const one = { sequence: 9, at, what: 'state', from: 'ready', to: 'unreachable', problem: 'it can not be reached' };
    gateway.on('GET /admin/v1/fleet/endpoints/runner.r.a/history', { body: { items: [one], next_cursor: 'c' } });
    const { out, err } = await run(['fleet', 'history', 'runner.r.a', '--limit', '1']);
    expect(out).toBe(
      `TIME                      WHAT   FROM   TO           PROBLEM\n${at}  state  ready  unreachable  it can not be reached\n`,
    );
    expect(err).toBe('there are more: --cursor c\n');
    expect(Object.fromEntries(gateway.seen[0]?.query ?? [])).toEqual({ limit: '1' });
  });

  it('is followed over a break', async () => {
    const change = (position: number) => {
      const cursor = `${String(position)}.i`;
      const event = {
        ...{ cursor, position, aggregate_type: 'endpoint', aggregate_id: 'runner.r.a', version: 1, type: 'endpoint_condition_changed' },
        ...{ schema_version: 1, recorded_at: at, tenant_id: null, node_id: null, payload: { to: 'flapping' }, meta: {} },
      };
      return `id: ${cursor}\nevent: change\ndata: ${JSON.stringify(event)}\n\n`;
    };
    const bodies = [change(5), change(6)];
    gateway.on('GET /admin/v1/fleet/events', () => ({ headers: { 'content-type': 'text/event-stream' }, body: bodies.shift() ?? '' }));
    const { out } = await run(['fleet', 'watch', '--cursor', '0', '--count', '2']);
    expect(out.split('\n').map((line) => line.split('  ')[0])).toEqual(['5', '6', '']);
    expect(out).toContain('endpoint:runner.r.a  endpoint_condition_changed  {"to":"flapping"}');
    expect(gateway.seen.map(({ query }) => Object.fromEntries(query))).toEqual([{ cursor: '0' }, { cursor: '5.i' }]);
  });
});
