import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testFolder } from '@fairlead/testing';
import { Fleet, fleetToken } from './testing/fleet.js';
import { sha256 } from './shard/tenant.js';

/** The fleet contract as a managed service meets it: over HTTP, no load. */
let fleet: Fleet;
let tenants = 0;
const logLines: string[] = [];
const logger = createLogger({ service: 'fleet-sim', level: 'info', destination: { write: (line) => void logLines.push(line) } });

beforeAll(async () => {
  fleet = await Fleet.start(
    testFolder('contract'),
    { SIM_RATE: '0', FAIRLEAD_VERSION: '1.2.3', FAIRLEAD_GIT_SHA: 'abc123' },
    { random: () => 1, logger },
  );
});
afterAll(() => fleet.stop());

/** A tenant of its own, placed on the first shard of each kind. */
function newTenant(): string {
  const tenant = `acme-${String(++tenants)}`;
  for (const kind of ['aggregate', 'projection', 'runner'] as const) fleet.place(kind, tenant, `${kind}-1`);
  return tenant;
}

const command = (kind: string, shard: string, tenant: string, seq: number) =>
  fleet.post(`${fleet.shardUrl(kind, shard)}/tenants/${tenant}/commands`, { seq }, {});
const aggregate = (tenant: string, op: string, more: Record<string, unknown> = {}) =>
  fleet.admin('aggregate', 'aggregate-1', tenant, op, more);
const drainedState = (kind: string, shard: string, tenant: string) =>
  eventually(async () => (await fleet.tenant(kind, shard, tenant))['state'] === 'drained', { what: `${tenant} drained on ${shard}` });

async function sealed(tenant: string): Promise<{ data: string; sha256: string }> {
  await command('aggregate', 'aggregate-1', tenant, 1);
  await aggregate(tenant, 'drain');
  await drainedState('aggregate', 'aggregate-1', tenant);
  const { body } = await aggregate(tenant, 'export');
  return { data: body['data'] as string, sha256: body['sha256'] as string };
}

describe('probes', () => {
  it('tells health, readiness, build, work in flight and lag', async () => {
    for (const kind of ['gateway', 'aggregate', 'projection', 'runner']) {
      const url = fleet.shardUrl(kind, `${kind}-1`);
      newTenant();
      expect(await fleet.get(`${url}/health`)).toEqual({ status: 200, body: { status: 'ok' } });
      expect(await fleet.get(`${url}/ready`)).toEqual({ status: 200, body: { status: 'ok' } });
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toContain(`${kind}_build_info{service="${kind}",version="1.2.3",git_sha="abc123"} 1\n`);
      expect(metrics).toMatch(new RegExp(`^${kind}_inflight 0$`, 'm'));
      expect(metrics).toMatch(new RegExp(`^${kind}_lag 0$`, 'm'));
    }
  });
});

describe('commands to a shard', () => {
  it('are done once, in order, however often they come', async () => {
    const tenant = newTenant();
    for (const kind of ['aggregate', 'projection', 'runner']) {
      const shard = `${kind}-1`;
      const both = await Promise.all([command(kind, shard, tenant, 1), command(kind, shard, tenant, 1)]);
      expect(both.map(({ status }) => status)).toEqual([200, 200]);
      expect(both.map(({ body }) => body['repeated']).sort()).toEqual([false, true]);
      expect(await command(kind, shard, tenant, 1)).toEqual({ status: 200, body: { seq: 1, repeated: true } });
      expect(await command(kind, shard, tenant, 3)).toMatchObject({ status: 409, body: { code: 'command_gap', expected: 2 } });
      await eventually(async () => (await fleet.tenant(kind, shard, tenant))['last_seq'] === 1, { what: 'the command to be applied' });
    }
  });

  it('of a tenant that belongs elsewhere are refused, and make no tenant up', async () => {
    const tenant = newTenant();
    expect(await command('aggregate', 'aggregate-2', tenant, 1)).toMatchObject({ status: 404, body: { code: 'tenant_unknown' } });
    expect(await fleet.tenant('aggregate', 'aggregate-2', tenant)).toMatchObject({ state: 'absent', fence: 0, last_seq: 0 });
  });

  it('that are not numbered or not for a tenant are refused', async () => {
    expect(await command('runner', 'runner-1', 'Not_A_Tenant', 1)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    for (const seq of [0, -1, 1.5, '1', undefined]) {
      const answer = await fleet.post(`${fleet.shardUrl('runner', 'runner-1')}/tenants/acme-1/commands`, { seq });
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    }
  });
});

describe('administrative commands', () => {
  it('need the fleet token', async () => {
    const tenant = newTenant();
    const url = `${fleet.shardUrl('aggregate', 'aggregate-1')}/admin/tenants/${tenant}/drain`;
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: fleetToken }] as Record<string, string>[]) {
      expect(await fleet.post(url, { idempotency_key: 'k', fence: 1 }, headers)).toMatchObject({
        status: 401,
        body: { code: 'unauthenticated' },
      });
    }
    expect(await fleet.tenant('aggregate', 'aggregate-1', tenant)).toMatchObject({ state: 'active', fence: 0 });
    for (const kind of ['aggregate', 'gateway']) {
      const reload = `${fleet.shardUrl(kind, `${kind}-1`)}/admin/reload`;
      expect(await fleet.post(reload, { idempotency_key: 'k', fence: 1 }, {})).toMatchObject({ status: 401 });
    }
  });

  it('need a key and a fence', async () => {
    const tenant = newTenant();
    for (const body of [{ fence: -1 }, { fence: '1' }, { idempotency_key: '' }, { idempotency_key: 'with space' }]) {
      expect(await aggregate(tenant, 'drain', body)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    }
  });

  it('with a fence lower than the highest seen are refused', async () => {
    const tenant = newTenant();
    await aggregate(tenant, 'drain', { fence: 7 });
    const stale = await aggregate(tenant, 'resume', { fence: 6 });
    expect(stale).toMatchObject({ status: 409, body: { code: 'stale_fence', highest_fence: 7 } });
    expect(await aggregate(tenant, 'resume', { fence: 7 })).toMatchObject({ status: 200, body: { state: 'active', fence: 7 } });
  });

  it('with a key that was done are not done again', async () => {
    const tenant = newTenant();
    expect(await aggregate(tenant, 'drain', { idempotency_key: 'once' })).toMatchObject({ status: 200, body: { repeated: false } });
    await aggregate(tenant, 'resume');
    expect(await aggregate(tenant, 'drain', { idempotency_key: 'once' })).toMatchObject({
      status: 200,
      body: { state: 'active', repeated: true },
    });
  });

  it('stop and start the serving of a tenant', async () => {
    const tenant = newTenant();
    await command('runner', 'runner-1', tenant, 1);
    await fleet.admin('runner', 'runner-1', tenant, 'drain');
    await drainedState('runner', 'runner-1', tenant);
    expect(await command('runner', 'runner-1', tenant, 2)).toMatchObject({
      status: 503,
      body: { code: 'tenant_draining', state: 'drained' },
    });
    await fleet.admin('runner', 'runner-1', tenant, 'resume');
    expect(await command('runner', 'runner-1', tenant, 2)).toMatchObject({ status: 200, body: { repeated: false } });
  });

  it('let a drain end only when nothing is in flight and nothing lags', async () => {
    const tenant = newTenant();
    for (const [kind, busy] of [
      ['runner', 'inflight'],
      ['projection', 'lag'],
    ] as const) {
      const open = command(kind, `${kind}-1`, tenant, 1);
      const seen = await eventually(
        async () => {
          const status = await fleet.tenant(kind, `${kind}-1`, tenant);
          return (status[busy] as number) > 0 || (status['last_seq'] as number) > 0 ? status : undefined;
        },
        { what: 'work to be seen', intervalMs: 1 },
      );
      const drain = await fleet.admin(kind, `${kind}-1`, tenant, 'drain');
      if (drain.body[busy] === 1) expect(drain.body['state']).toBe('draining');
      await drainedState(kind, `${kind}-1`, tenant);
      expect(await fleet.tenant(kind, `${kind}-1`, tenant)).toMatchObject({ inflight: 0, lag: 0, last_seq: 1 });
      expect((await open).status).toBe(200);
      expect(seen['state']).toBe('active');
    }
  });

  it('hand a tenant over: sealed here, imported there, then moved', async () => {
    const tenant = newTenant();
    const copy = await sealed(tenant);
    expect((await aggregate(tenant, 'export')).body).toMatchObject({ state: 'sealed', ...copy });
    expect(await fleet.admin('aggregate', 'aggregate-2', tenant, 'import', copy)).toMatchObject({
      status: 200,
      body: { state: 'imported', last_seq: 1 },
    });
    expect(await command('aggregate', 'aggregate-2', tenant, 2)).toMatchObject({
      status: 503,
      body: { code: 'tenant_draining', state: 'imported' },
    });
    const revision = fleet.place('aggregate', tenant, 'aggregate-2');
    expect(await fleet.admin('aggregate', 'aggregate-2', tenant, 'resume')).toMatchObject({ status: 200, body: { state: 'active' } });
    expect(await aggregate(tenant, 'drop', { moved_revision: revision })).toMatchObject({
      status: 200,
      body: { state: 'moved', moved_revision: revision },
    });
    expect(await command('aggregate', 'aggregate-1', tenant, 2)).toMatchObject({ status: 409, body: { code: 'tenant_moved', revision } });
    expect(await command('aggregate', 'aggregate-2', tenant, 1)).toMatchObject({ status: 200, body: { repeated: true } });
    expect(await command('aggregate', 'aggregate-2', tenant, 2)).toMatchObject({ status: 200, body: { repeated: false } });
  });

  it('refuse an export of a tenant that is not drained and an import over one that serves', async () => {
    const tenant = newTenant();
    expect(await aggregate(tenant, 'export')).toMatchObject({ status: 409, body: { code: 'tenant_state', state: 'active' } });
    const copy = await sealed(tenant);
    await aggregate(tenant, 'resume');
    expect(await aggregate(tenant, 'import', copy)).toMatchObject({ status: 409, body: { code: 'tenant_state', state: 'active' } });
    expect(await aggregate(tenant, 'drop', { moved_revision: 0 })).toMatchObject({
      status: 409,
      body: { code: 'tenant_state', state: 'active' },
    });
    expect(await fleet.admin('aggregate', 'aggregate-2', tenant, 'drain')).toMatchObject({ status: 404, body: { code: 'tenant_unknown' } });
  });

  it('refuse a copy that was damaged or is of another tenant or kind', async () => {
    const tenant = newTenant();
    const copy = await sealed(tenant);
    const bring = (more: Record<string, unknown>, kind = 'aggregate', to = tenant) =>
      fleet.admin(kind, `${kind}-2`, to, 'import', { ...copy, ...more });
    expect(await bring({ data: `${copy.data} ` })).toMatchObject({ status: 400, body: { code: 'checksum_mismatch' } });
    expect(await bring({ data: '{}', sha256: sha256('{}') })).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    expect(await bring({}, 'runner')).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    expect(await bring({}, 'aggregate', 'acme-1')).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    expect(await fleet.tenant('aggregate', 'aggregate-2', tenant)).toMatchObject({ state: 'absent' });
  });

  it('never make a tenant up again that was owned and dropped', async () => {
    const tenant = newTenant();
    await sealed(tenant);
    expect(await aggregate(tenant, 'drop', { moved_revision: 0 })).toMatchObject({ status: 200, body: { state: 'absent' } });
    expect(await command('aggregate', 'aggregate-1', tenant, 1)).toMatchObject({ status: 404, body: { code: 'tenant_unknown' } });
    fleet.place('aggregate', tenant, 'aggregate-2');
    expect(await command('aggregate', 'aggregate-2', tenant, 1)).toMatchObject({ status: 404, body: { code: 'tenant_unknown' } });
  });

  it('leave log lines with the ids of their request, and no token', async () => {
    const tenant = newTenant();
    const headers = { authorization: `Bearer ${fleetToken}`, 'x-correlation-id': 'cor_of_the_spec', 'x-request-id': 'req_of_the_spec' };
    const url = `${fleet.shardUrl('aggregate', 'aggregate-1')}/admin/tenants/${tenant}/drain`;
    await fleet.post(url, { idempotency_key: 'k', fence: 1 }, headers);
    const line = logLines.find((text) => text.includes('cor_of_the_spec') && text.includes('tenant state')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({
      request_id: 'req_of_the_spec',
      tenant_id: tenant,
      op: 'drain',
      from: 'active',
      to: 'drained',
    });
    expect(logLines.join('')).not.toContain(fleetToken);
  });

  it('reload a service, which answers with what it applied', async () => {
    newTenant();
    const body = { idempotency_key: 'reload', fence: 1 };
    const headers = { authorization: `Bearer ${fleetToken}` };
    for (const kind of ['gateway', 'projection']) {
      const url = fleet.shardUrl(kind, `${kind}-1`);
      const { body: state } = await fleet.get(`${url}/admin/state`);
      expect(state).toMatchObject({ epoch: 1 });
      expect(await fleet.post(`${url}/admin/reload`, body, headers)).toMatchObject({
        status: 200,
        body: { epoch: 1, revision: state['revision'] },
      });
    }
  });
});

describe('knobs', () => {
  it('make a member unhealthy, and it still serves', async () => {
    const tenant = newTenant();
    expect(await fleet.knobs('runner', 'runner-1', { health: 'unhealthy' })).toMatchObject({ status: 200, body: { health: 'unhealthy' } });
    const url = fleet.shardUrl('runner', 'runner-1');
    expect([(await fleet.get(`${url}/health`)).status, (await fleet.get(`${url}/ready`)).status]).toEqual([503, 503]);
    expect((await command('runner', 'runner-1', tenant, 1)).status).toBe(200);
    await fleet.knobs('runner', 'runner-1', { health: 'healthy' });
    expect((await fleet.get(`${url}/ready`)).status).toBe(200);
  });

  it('are shown with every member', async () => {
    const turned = { misroutes: true, breaks: ['G1'], delay_ms: 5 };
    const rest = { running: true, down: false, health: 'healthy', stuck: false, frozen: false };
    expect((await fleet.knobs('gateway', 'gateway-1', turned)).body).toMatchObject({ ...rest, ...turned });
    const back = { misroutes: false, breaks: [], delay_ms: 0 };
    expect((await fleet.knobs('gateway', 'gateway-1', back)).body).toMatchObject({ ...rest, ...back });
  });

  it('delay answers', async () => {
    await fleet.knobs('runner', 'runner-2', { delay_ms: 150 });
    const startMs = performance.now();
    await fleet.get(`${fleet.shardUrl('runner', 'runner-2')}/admin/state`);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(145);
    await fleet.knobs('runner', 'runner-2', { delay_ms: 0 });
  });

  it('keep a drain from ending until they are turned back, or the tenant is resumed', async () => {
    const [first, second] = [newTenant(), newTenant()];
    await fleet.knobs('aggregate', 'aggregate-1', { stuck: true });
    for (const tenant of [first, second]) {
      expect(await aggregate(tenant, 'drain')).toMatchObject({ body: { state: 'draining', inflight: 1 } });
      expect(await fleet.tenant('aggregate', 'aggregate-1', tenant)).toMatchObject({ state: 'draining', inflight: 1 });
    }
    expect(await aggregate(second, 'export')).toMatchObject({ status: 409, body: { code: 'tenant_state', state: 'draining' } });
    expect(await aggregate(first, 'resume')).toMatchObject({ status: 200, body: { state: 'active', inflight: 0 } });
    await fleet.knobs('aggregate', 'aggregate-1', { stuck: false });
    await drainedState('aggregate', 'aggregate-1', second);
  });

  it('keep a projection from applying, so that its lag grows, and let it catch up', async () => {
    const tenant = newTenant();
    await fleet.knobs('projection', 'projection-1', { stuck: true });
    for (let seq = 1; seq <= 30; seq++) expect((await command('projection', 'projection-1', tenant, seq)).status).toBe(200);
    const metrics = async () => (await fetch(`${fleet.shardUrl('projection', 'projection-1')}/metrics`)).text();
    expect(await metrics()).toMatch(/^projection_lag 30$/m);
    await fleet.knobs('projection', 'projection-1', { stuck: false });
    await eventually(async () => /^projection_lag 0$/m.test(await metrics()), { what: 'the projection to catch up' });
    expect(await fleet.tenant('projection', 'projection-1', tenant)).toMatchObject({ lag: 0, last_seq: 30 });
  });

  it('crash a member, which comes back with what it acknowledged', async () => {
    const tenant = newTenant();
    await command('aggregate', 'aggregate-1', tenant, 1);
    await aggregate(tenant, 'drain');
    expect(await fleet.knobs('aggregate', 'aggregate-1', { crash: { restart_ms: 50 } })).toMatchObject({
      status: 200,
      body: { running: false },
    });
    await expect(fleet.get(`${fleet.shardUrl('aggregate', 'aggregate-1')}/health`)).rejects.toThrow();
    await drainedState('aggregate', 'aggregate-1', tenant);
    expect(await fleet.tenant('aggregate', 'aggregate-1', tenant)).toMatchObject({ last_seq: 1 });
  });

  it('refuse what they do not know', async () => {
    for (const body of [{ healthy: true }, { delay_ms: -1 }, { delay_ms: 1e9 }, { crash: false }, { stuck: 'yes' }]) {
      expect(await fleet.knobs('runner', 'runner-1', body)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    }
    expect(await fleet.knobs('runner', 'runner-9', {})).toMatchObject({ status: 404, body: { code: 'shard_not_found' } });
    expect(await fleet.knobs('cloud', 'runner-1', {})).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
  });
});

describe('control server', () => {
  it('describes the fleet', async () => {
    const { body } = await fleet.get(`${fleet.url}/sim/topology`);
    const shards = body['shards'] as { kind: string; shard_id: string; endpoints: { url: string }[] }[];
    expect(shards.map(({ kind, shard_id: id }) => `${kind}/${id}`)).toEqual([
      ...['gateway/gateway-1', 'gateway/gateway-2', 'aggregate/aggregate-1', 'aggregate/aggregate-2'],
      ...['projection/projection-1', 'projection/projection-2', 'runner/runner-1', 'runner/runner-2'],
    ]);
    expect((body['tenants'] as unknown[])[0]).toEqual({ tenant_id: 'tenant-01', name: 'Tenant 01' });
    expect((body['tenants'] as unknown[]).length).toBe(20);
  });

  it('is where the fleet is, and answers to that name', async () => {
    const elsewhere = await Fleet.start(testFolder('elsewhere'), { SIM_RATE: '0', SIM_HOST: '127.0.0.2' });
    try {
      expect(new URL(elsewhere.url).hostname).toBe('127.0.0.2');
      expect(await elsewhere.get(`${elsewhere.url}/sim/topology`)).toMatchObject({ status: 200 });
    } finally {
      await elsewhere.stop();
    }
  });

  it('answers to its own names and JSON only', async () => {
    const { port } = new URL(fleet.url);
    const status = await new Promise((resolve) => {
      request({ port, path: '/sim/report', headers: { host: 'evil.example' } }, (response) => {
        resolve(response.resume().statusCode);
      }).end();
    });
    expect(status).toBe(403);
    const form = await fetch(`${fleet.url}/sim/shards/runner/runner-1`, { method: 'POST', body: '{"stuck":true}' });
    expect(form.status).toBe(415);
    expect(await fleet.get(`${fleet.url}/sim/report?since=yesterday`)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    expect(await fleet.get(`${fleet.url}/sim/nothing`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});
