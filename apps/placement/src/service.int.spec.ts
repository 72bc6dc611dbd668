import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTokenSigner, generateSigningKey, type TokenSigner } from '@fairlead/auth';
import { loadConfig } from '@fairlead/config';
import { newId, placedKinds, placementV1, type Role } from '@fairlead/contracts';
import { headPosition, readLog } from '@fairlead/event-log';
import { watchPlacement, type PlacementWatch } from '@fairlead/placement-map';
import { createRpcClient, type RpcClient } from '@fairlead/rpc';
import type { RunningService } from '@fairlead/service-runtime';
import { createLogger, newContext, runInContext } from '@fairlead/telemetry';
import { eventually, testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { configSchema, createService, migrations } from './index.js';

type Client = RpcClient<placementV1.PlacementServiceService>;
const silent = createLogger({ service: 'test', level: 'silent' });

let database: TestDatabase;
let nats: TestMessaging;
let service: RunningService;
let gateway: TokenSigner;
let orchestrator: Client;
let bootstrap: Client;
let watch: PlacementWatch;
const clients: Client[] = [];

function clientWith(token: () => Promise<string>): Client {
  const client = createRpcClient(placementV1.PlacementServiceService, { address: service.grpcAddress ?? '', token });
  clients.push(client);
  return client;
}

const clientOf = (role: Role) =>
  clientWith(() => gateway.signUser({ userId: newId('user'), email: `${role}@example.org`, roles: [role] }, 60));

beforeAll(async () => {
  [database, nats] = await Promise.all([testDatabase({ service: 'placement', migrations }), testMessaging()]);
  const own = await generateSigningKey('placement');
  const orchestratorKey = await generateSigningKey('job-orchestrator');
  const bootstrapKey = await generateSigningKey('bootstrap');
  const gatewayKey = await generateSigningKey('api-gateway');
  const keys = [own, orchestratorKey, bootstrapKey, gatewayKey];
  const config = loadConfig(configSchema, {
    ...{ HTTP_PORT: '0', GRPC_PORT: '0' },
    ...{ SERVICE_KEY: JSON.stringify(own.privateJwk), TRUST_JWKS: JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }) },
    ...{ DATABASE_URL: database.url, DATABASE_PASSWORD: database.password },
    ...{ NATS_URL: nats.url, NATS_TOKEN: nats.token, NATS_NAMESPACE: nats.namespace },
  });
  service = await createService(config, { logger: silent });
  const orchestratorSigner = await createTokenSigner(orchestratorKey);
  const bootstrapSigner = await createTokenSigner(bootstrapKey);
  gateway = await createTokenSigner(gatewayKey);
  orchestrator = clientWith(() => orchestratorSigner.serviceToken('user:usr_ada'));
  bootstrap = clientWith(() => bootstrapSigner.serviceToken());
  watch = watchPlacement({ messaging: nats.messaging, logger: silent });
  for (const kind of placedKinds) for (const id of ['1', '2', '3']) await bootstrap.putShard(shardRequest(kind, `${kind}-${id}`));
  await bootstrap.putShard(shardRequest('gateway', 'gw-1'));
}, 120_000);

afterAll(async () => {
  for (const client of clients) client.close();
  await watch.stop();
  await service.stop();
  await Promise.all([database.drop(), nats.close()]);
});

function shardRequest(kind: string, shardId: string, partial: Partial<placementV1.Shard> = {}): placementV1.PutShardRequest {
  const endpoints = [{ endpointId: `${shardId}-a`, url: 'http://127.0.0.1:4000' }];
  return placementV1.PutShardRequest.fromPartial({
    shard: { kind, shardId, endpoints, weight: 1, labels: { zone: 'a' }, state: 'active', ...partial },
  });
}

/** Registers a tenant on the first shard of every kind. */
async function registered(tenantId: string): Promise<placementV1.Tenant> {
  const placement = { aggregate: 'aggregate-1', projection: 'projection-1', runner: 'runner-1' };
  const { tenant } = await bootstrap.createTenant({ idempotencyKey: '', tenantId, name: `Tenant ${tenantId}`, placement });
  if (tenant === undefined) throw new Error('a registration answers the tenant');
  return tenant;
}

const revisionOf = (tenant: placementV1.Tenant, kind: string) =>
  tenant.assignments.find((assignment) => assignment.kind === kind)?.revision ?? 0;

async function tenantNow(tenantId: string): Promise<placementV1.Tenant> {
  const { tenant } = await orchestrator.getTenant({ tenantId });
  if (tenant === undefined) throw new Error('no tenant');
  return tenant;
}

async function moveRequest(tenantId: string, to: Record<string, string>, partial: Partial<placementV1.MoveTenantRequest> = {}) {
  const tenant = await tenantNow(tenantId);
  const moves = Object.entries(to).map(([kind, toShardId]) => ({ kind, toShardId, expectedRevision: revisionOf(tenant, kind) }));
  return { tenantId, moves, idempotencyKey: newId('command'), fence: 1, reason: 'more room there', ...partial };
}

const refusedWith = (code: string, details: Record<string, unknown> = {}) =>
  expect.objectContaining({ code, details: expect.objectContaining(details) as unknown });
const shardsOf = (tenant: placementV1.Tenant) => Object.fromEntries(tenant.assignments.map(({ kind, shardId }) => [kind, shardId]));

describe('shards', () => {
  it.each([
    ['a metadata address', { endpoints: [{ endpointId: 'e', url: 'http://169.254.169.254/' }] }],
    ['a public address', { endpoints: [{ endpointId: 'e', url: 'https://8.8.8.8' }] }],
    ['a name nobody allowed', { endpoints: [{ endpointId: 'e', url: 'http://runner.example' }] }],
    ['two endpoints of one id', { endpoints: [1, 2].map((port) => ({ endpointId: 'e', url: `http://127.0.0.1:${String(port)}` })) }],
    ['an unknown state', { state: 'gone' }],
    ['a negative weight', { weight: -1 }],
    ['an unknown kind', { kind: 'proxy' }],
    ['an id that is no name', { shardId: 'Not A Name' }],
    ['a label that is no name', { labels: { 'No Label': 'x' } }],
  ])('are refused with %s', async (_what, partial) => {
    const head = await headPosition(database.db);
    await expect(bootstrap.putShard(shardRequest('gateway', 'gw-3', partial))).rejects.toEqual(refusedWith('invalid_argument'));
    expect(await headPosition(database.db)).toBe(head);
  });

  it('are listed by kind', async () => {
    const { shards } = await orchestrator.listShards({ kind: 'runner' });
    expect(shards.map(({ shardId }) => shardId)).toEqual(['runner-1', 'runner-2', 'runner-3']);
    const all = await orchestrator.listShards({ kind: '' });
    expect(new Set(all.shards.map(({ kind }) => kind))).toEqual(new Set(['aggregate', 'gateway', 'projection', 'runner']));
  });
});

describe('tenants', () => {
  it('are registered once, wherever they have gone since', async () => {
    const registration = { tenantId: 'once', name: 'Once', placement: { runner: 'runner-2' }, idempotencyKey: '' };
    const first = await bootstrap.createTenant(registration);
    expect(first.tenant).toMatchObject({ tenantId: 'once', name: 'Once' });
    expect(first.tenant?.assignments.find(({ kind }) => kind === 'runner')?.shardId).toBe('runner-2');
    await orchestrator.moveTenant(await moveRequest('once', { runner: 'runner-3' }));
    const again = await bootstrap.createTenant(registration);
    expect(again.position).toBe(first.position);
    expect(again.tenant).toEqual(await tenantNow('once'));
    const keyed = { ...registration, idempotencyKey: 'key-1' };
    expect(await bootstrap.createTenant(keyed)).toEqual(again);
    const other = bootstrap.createTenant({ ...keyed, tenantId: 'other' });
    await expect(other).rejects.toEqual(refusedWith('idempotency_key_reused'));
    await expect(bootstrap.createTenant({ ...registration, name: 'Twice' })).rejects.toEqual(refusedWith('already_exists'));
    await expect(bootstrap.createTenant({ ...registration, placement: {} })).rejects.toEqual(refusedWith('already_exists'));
    await expect(
      bootstrap.createTenant({ idempotencyKey: '', tenantId: 'x', name: 'X', placement: { runner: 'nowhere' } }),
    ).rejects.toEqual(refusedWith('shard_not_found'));
    await expect(bootstrap.createTenant({ idempotencyKey: '', tenantId: 'x', name: 'X', placement: { gateway: 'gw-1' } })).rejects.toEqual(
      refusedWith('invalid_argument'),
    );
    await expect(orchestrator.getTenant({ tenantId: 'x' })).rejects.toEqual(refusedWith('tenant_not_found'));
  });

  it('registered at the same moment spread over the active shards, and the counts are true', async () => {
    await bootstrap.putShard(shardRequest('runner', 'runner-9', { weight: 100, state: 'cordoned' }));
    await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        bootstrap.createTenant({ idempotencyKey: '', tenantId: `spread-${String(index)}`, name: 'Spread', placement: {} }),
      ),
    );
    const { shards } = await orchestrator.listShards({ kind: '' });
    const truth = await database.db.query<{ kind: string; shard_id: string; tenants: number }>(
      `select kind, shard_id, count(*) as tenants from assignment group by kind, shard_id`,
    );
    for (const shard of shards)
      expect(shard.tenants).toBe(truth.find(({ kind, shard_id }) => kind === shard.kind && shard_id === shard.shardId)?.tenants ?? 0);
    expect(shards.find(({ shardId }) => shardId === 'runner-9')?.tenants).toBe(0);
    const filled = shards.filter(({ kind, state }) => kind === 'runner' && state === 'active').map(({ tenants }) => tenants);
    expect(Math.max(...filled) - Math.min(...filled)).toBeLessThanOrEqual(1);
  });

  it('are listed a page at a time, all or those of one shard', async () => {
    const paged = async (filter: { kind: string; shardId: string }) => {
      const found: placementV1.Tenant[] = [];
      let after = '';
      do {
        const page = await orchestrator.listTenants({ limit: 5, after, ...filter });
        expect(page.tenants.length).toBeLessThanOrEqual(5);
        found.push(...page.tenants);
        after = page.nextAfter;
      } while (after !== '');
      return found;
    };
    const all = await paged({ kind: '', shardId: '' });
    const ids = all.map(({ tenantId }) => tenantId);
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(all.every(({ assignments }) => assignments.length === 3)).toBe(true);
    const onShard = await paged({ kind: 'projection', shardId: 'projection-2' });
    expect(onShard).toEqual(all.filter((tenant) => shardsOf(tenant)['projection'] === 'projection-2'));
    expect(onShard.length).toBeGreaterThan(0);
    await expect(orchestrator.listTenants({ limit: 0, after: '', kind: 'runner', shardId: '' })).rejects.toEqual(
      refusedWith('invalid_argument'),
    );
    await expect(orchestrator.listTenants({ limit: 5_000, after: '', kind: '', shardId: '' })).rejects.toEqual(
      refusedWith('invalid_argument'),
    );
  });
});

describe('moves', () => {
  it('set what was compared, record who asked and why, and reach the readers of KV', async () => {
    const before = await registered('mover');
    const request = await moveRequest('mover', { runner: 'runner-2', aggregate: 'aggregate-3' }, { fence: 5 });
    const context = newContext({ jobId: 'job_7', step: 'update-placement' });
    const moved = await runInContext(context, () => orchestrator.moveTenant(request));
    const after = await tenantNow('mover');
    expect(shardsOf(after)).toEqual({ aggregate: 'aggregate-3', projection: 'projection-1', runner: 'runner-2' });
    expect([revisionOf(after, 'runner'), revisionOf(after, 'aggregate')]).toEqual([moved.revision, moved.revision]);
    expect(revisionOf(after, 'projection')).toBe(revisionOf(before, 'projection'));
    const [event] = await readLog(database.db, { after: moved.position - 1, limit: 1 });
    expect(event).toMatchObject({
      aggregateType: 'placement_map',
      aggregateId: 'mover',
      type: 'tenant_moved',
      payload: { tenant_id: 'mover', revision: moved.revision, epoch: moved.epoch, fence: 5 },
      meta: {
        principal: 'user:usr_ada',
        via: 'job-orchestrator',
        tenant_id: 'mover',
        job_id: 'job_7',
        step: 'update-placement',
        reason: 'more room there',
        correlation_id: context.correlationId,
      },
    });
    expect(event?.payload['moves']).toContainEqual({
      kind: 'runner',
      from: 'runner-1',
      to: 'runner-2',
      previous_revision: revisionOf(before, 'runner'),
    });
    const snapshot = await eventually(() => (watch.current()?.revision ?? 0) >= moved.revision && watch.current(), {
      what: 'the move in KV',
    });
    expect([snapshot.epoch, snapshot.shardOf('runner', 'mover'), snapshot.shardOf('projection', 'mover')]).toEqual([
      moved.epoch,
      'runner-2',
      'projection-1',
    ]);
  });

  it('change nothing when one of them stands at another revision', async () => {
    const before = await registered('stuck');
    const request = await moveRequest('stuck', { aggregate: 'aggregate-2', runner: 'runner-2' });
    await orchestrator.moveTenant(await moveRequest('stuck', { runner: 'runner-3' }));
    const moved = await tenantNow('stuck');
    const head = await headPosition(database.db);
    await expect(orchestrator.moveTenant(request)).rejects.toEqual(
      refusedWith('revision_mismatch', { kind: 'runner', expected: revisionOf(before, 'runner'), actual: revisionOf(moved, 'runner') }),
    );
    expect(await tenantNow('stuck')).toEqual(moved);
    expect(await headPosition(database.db)).toBe(head);
  });

  it('answer the first outcome to repeats of one key, also at the same moment, and refuse it for another request', async () => {
    await registered('repeat');
    const request = await moveRequest('repeat', { runner: 'runner-2' });
    const answers = await Promise.all([1, 2, 3].map(() => orchestrator.moveTenant(request)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    await orchestrator.moveTenant(await moveRequest('repeat', { runner: 'runner-3' }, { fence: 2 }));
    // A later owner of the job, after the tenant has gone on.
    expect(await orchestrator.moveTenant({ ...request, fence: 3 })).toEqual(answers[0]);
    await expect(orchestrator.moveTenant({ ...request, fence: 3, reason: 'another one' })).rejects.toEqual(
      refusedWith('idempotency_key_reused'),
    );
    expect(shardsOf(await tenantNow('repeat'))['runner']).toBe('runner-3');
    const events = await readLog(database.db, { after: 0, limit: 10, aggregateType: 'placement_map', aggregateId: 'repeat' });
    expect(events).toHaveLength(2);
  });

  it('refuse a fence below the highest seen, also one that came with a refused move', async () => {
    await registered('fenced');
    const late = await moveRequest('fenced', { runner: 'runner-2' }, { fence: 10 });
    const refusedMove = {
      ...late,
      idempotencyKey: newId('command'),
      fence: 11,
      moves: [{ kind: 'runner', toShardId: 'runner-3', expectedRevision: 1_000_000 }],
    };
    await expect(orchestrator.moveTenant(refusedMove)).rejects.toEqual(refusedWith('revision_mismatch'));
    await expect(orchestrator.moveTenant(late)).rejects.toEqual(refusedWith('stale_fence', { fence: 10, highest_fence: 11 }));
    await expect(orchestrator.moveTenant({ ...late, fence: 11 })).resolves.toMatchObject({ epoch: 1 });
    await expect(orchestrator.moveTenant(late)).rejects.toEqual(refusedWith('stale_fence'));
  });

  it('refuse what does not exist, a cordoned target and malformed requests', async () => {
    await registered('asks');
    const request = await moveRequest('asks', { runner: 'runner-2' });
    const to = (toShardId: string) => ({ ...request, moves: request.moves.map((move) => ({ ...move, toShardId })) });
    await expect(orchestrator.moveTenant({ ...request, tenantId: 'nobody' })).rejects.toEqual(refusedWith('tenant_not_found'));
    await expect(orchestrator.moveTenant(to('aggregate-1'))).rejects.toEqual(refusedWith('shard_not_found'));
    await expect(orchestrator.moveTenant(to('runner-1'))).rejects.toEqual(refusedWith('invalid_argument'));
    await bootstrap.putShard(shardRequest('runner', 'runner-8', { state: 'cordoned' }));
    await expect(orchestrator.moveTenant(to('runner-8'))).rejects.toEqual(refusedWith('plan_stale'));
    for (const partial of [
      { reason: ' ' },
      { fence: 0 },
      { idempotencyKey: '' },
      { moves: [] },
      { moves: [...request.moves, ...request.moves] },
    ]) {
      await expect(orchestrator.moveTenant({ ...request, ...partial })).rejects.toEqual(refusedWith('invalid_argument'));
    }
  });

  it('of different tenants at once all succeed, of one tenant from one revision exactly one', async () => {
    const ids = Array.from({ length: 10 }, (_, index) => `crowd-${String(index)}`);
    await Promise.all(ids.map(registered));
    const requests = await Promise.all(ids.map((id) => moveRequest(id, { runner: 'runner-2' })));
    const moved = await Promise.all(requests.map((request) => orchestrator.moveTenant(request)));
    const revisions = moved.map(({ revision }) => revision).sort((a, b) => a - b);
    expect(revisions).toEqual(revisions.map((_, index) => (revisions[0] ?? 0) + index));
    // A higher revision stands at a higher position.
    expect(moved.toSorted((a, b) => a.position - b.position)).toEqual(moved.toSorted((a, b) => a.revision - b.revision));

    const rivals = await Promise.all(
      ['runner-1', 'runner-3', 'runner-1', 'runner-3'].map((shard) => moveRequest('crowd-0', { runner: shard })),
    );
    const outcomes = await Promise.allSettled(rivals.map((request) => orchestrator.moveTenant(request)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toEqual(refusedWith('revision_mismatch'));
  });
});

describe('the whole placement', () => {
  it('is answered at one revision, the same as KV holds', async () => {
    await registered('whole');
    const placement = await eventually(
      async () => {
        const answer = await orchestrator.getPlacement({ withoutTenants: false });
        return answer.publishedRevision === answer.revision && answer;
      },
      { what: 'everything to be published' },
    );
    const snapshot = await eventually(() => watch.current()?.revision === placement.revision && watch.current(), {
      what: 'the same in KV',
    });
    expect(snapshot.epoch).toBe(placement.epoch);
    for (const kind of placedKinds) {
      const map = placement.maps[kind]?.shardsByTenant ?? {};
      expect(snapshot.tenants(kind)).toBe(Object.keys(map).length);
      for (const [tenant, shard] of Object.entries(map)) expect(snapshot.shardOf(kind, tenant)).toBe(shard);
    }
    const entryOf = ({ kind, shardId, endpoints, weight, labels, state }: placementV1.Shard) => ({
      kind,
      shardId,
      endpoints,
      weight,
      labels,
      state,
    });
    for (const shard of placement.shards)
      expect(snapshot.shards.find(({ kind, shardId }) => kind === shard.kind && shardId === shard.shardId)).toEqual(entryOf(shard));
    expect(snapshot.shards).toHaveLength(placement.shards.length);
    const metrics = await (await fetch(`${service.httpUrl}/metrics`)).text();
    expect(metrics).toContain(`fairlead_placement_revision ${String(placement.revision)}`);
    expect(metrics).toContain(`fairlead_placement_published_revision ${String(placement.revision)}`);
    expect(await (await fetch(`${service.httpUrl}/ready`)).json()).toMatchObject({
      status: 'ready',
      checks: { publication: { ok: true } },
    });
  });
});

describe('permissions', () => {
  it('let a viewer read and nothing else, and nobody but the orchestrator move', async () => {
    await registered('guarded');
    const move = await moveRequest('guarded', { runner: 'runner-2' });
    const viewer = clientOf('viewer');
    await expect(viewer.getTenant({ tenantId: 'guarded' })).resolves.toMatchObject({ tenant: { tenantId: 'guarded' } });
    await expect(viewer.getPlacement({ withoutTenants: false })).resolves.toMatchObject({ epoch: 1 });
    const head = await headPosition(database.db);
    await expect(viewer.createTenant({ idempotencyKey: '', tenantId: 'theirs', name: 'Theirs', placement: {} })).rejects.toEqual(
      refusedWith('permission_denied', { permission: 'tenant.write' }),
    );
    await expect(viewer.putShard(shardRequest('runner', 'runner-1'))).rejects.toEqual(
      refusedWith('permission_denied', { permission: 'placement.write' }),
    );
    for (const caller of [viewer, clientOf('operator'), clientOf('admin'), bootstrap]) {
      await expect(caller.moveTenant(move)).rejects.toEqual(refusedWith('permission_denied', { permission: 'placement.move' }));
    }
    await expect(orchestrator.createTenant({ idempotencyKey: '', tenantId: 'theirs', name: 'Theirs', placement: {} })).rejects.toEqual(
      refusedWith('permission_denied'),
    );
    await expect(clientWith(() => Promise.resolve('nonsense')).getPlacement({ withoutTenants: false })).rejects.toEqual(
      refusedWith('unauthenticated'),
    );
    expect(await headPosition(database.db)).toBe(head);
  });
});
