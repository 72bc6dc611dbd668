// Real: Postgres with the event log, NATS, the gateway's HTTP and gRPC servers. Readers with random grants and scopes
// read a log of mixed events in all three ways; each gets exactly what the table below lets them have.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { changesV1, eventCatalogue, type EventCatalogue, type Permission } from '@fairlead/contracts';
import { granted, type Scope } from '@fairlead/auth';
import type { NewEvent } from '@fairlead/event-log';
import { eventually } from '@fairlead/testing';
import { startChangeStage, type ChangeStage } from '../testing/changes.js';

const tenants = ['acme', 'globex', 'initech'] as const;
const grantable = ['tenant.read', 'job.read', 'placement.read', 'fleet.read', 'audit.read', 'log.read'] as const;

/** An event, and what the rules say of it, said by hand. */
interface Known {
  readonly event: NewEvent;
  readonly permission: Permission;
  readonly tenant: string | undefined;
  readonly node?: string;
}

/** No event belongs to a node yet: here those of endpoints do, to the one that their shard is called like. */
const catalogue: EventCatalogue = {
  ...eventCatalogue,
  endpoint: {
    ...eventCatalogue.endpoint,
    nodeOf: ({ payload }) => String(payload['shard_id']),
    scoped: { endpoint_health_changed: ['endpoint_id'] },
  },
};

const other = (tenant: string) => tenants.find((name) => name !== tenant) ?? '';
/** A caller chose these: they name somebody whom the event is not about. */
const metaOf = (tenant: string) => ({
  principal: `user:usr_of_${other(tenant)}`,
  request_id: `req-${other(tenant)}`,
  correlation_id: `cor-${other(tenant)}`,
  tenant_id: other(tenant),
  reason: `make room for ${other(tenant)}`,
});
const seats = { aggregate: 'aggregate-1', projection: 'projection-1', runner: 'runner-1' };
let made = 0;

const kinds: Record<string, (tenant: string) => Known> = {
  tenantCreated: (tenant) => ({
    event: {
      aggregateType: 'tenant',
      aggregateId: tenant,
      type: 'tenant_created',
      payload: { tenant_id: tenant, name: tenant, requested: {}, placement: seats, revision: 1, epoch: 1 },
      meta: metaOf(tenant),
    },
    permission: 'tenant.read',
    tenant,
  }),
  jobFailed: (tenant) => ({
    event: {
      aggregateType: 'job',
      aggregateId: `job_${++made}`,
      type: 'job_failed',
      payload: { tenant_id: tenant, error: { code: 'tenant_state', message: `the shard waits for ${other(tenant)}`, step: 'drain' } },
      meta: { ...metaOf(tenant), job_id: `job_${made}`, step: 'drain' },
    },
    permission: 'job.read',
    tenant,
  }),
  jobOfNobody: (tenant) => ({
    event: { aggregateType: 'job', aggregateId: `job_${++made}`, type: 'job_succeeded', payload: {}, meta: metaOf(tenant) },
    permission: 'job.read',
    tenant: undefined,
  }),
  stepSucceeded: (tenant) => ({
    event: {
      aggregateType: 'job',
      aggregateId: `job_${++made}`,
      type: 'step_succeeded',
      payload: { tenant_id: tenant, step: 'preflight', attempt: 1, output: { waits_for: other(tenant) } },
      meta: metaOf(tenant),
    },
    permission: 'job.read',
    tenant,
  }),
  cancelled: (tenant) => ({
    event: {
      aggregateType: 'job',
      aggregateId: `job_${++made}`,
      type: 'job_cancel_requested',
      payload: { tenant_id: tenant, by: `user:usr_of_${other(tenant)}` },
      meta: metaOf(tenant),
    },
    permission: 'job.read',
    tenant,
  }),
  moved: (tenant) => ({
    event: {
      aggregateType: 'placement_map',
      aggregateId: tenant,
      type: 'tenant_moved',
      payload: { tenant_id: tenant, moves: [], revision: 2, epoch: 1, idempotency_key: 'job_1:move', fence: 1 },
      meta: metaOf(tenant),
    },
    permission: 'placement.read',
    tenant,
  }),
  epochRaised: (tenant) => ({
    event: {
      aggregateType: 'placement_map',
      aggregateId: '@all',
      type: 'placement_epoch_raised',
      payload: { epoch: 2, revision: 2, previous_epoch: 1, bucket_created: null, found: null },
      meta: metaOf(tenant),
    },
    permission: 'placement.read',
    tenant: undefined,
  }),
  endpointChanged: (tenant) => ({
    node: 'node-1',
    event: {
      aggregateType: 'endpoint',
      aggregateId: `runner.runner-1.e${++made}`,
      type: 'endpoint_health_changed',
      payload: { kind: 'runner', shard_id: 'node-1', endpoint_id: `e${made}`, url: 'http://127.0.0.1:1', from: null, to: null },
      meta: metaOf(tenant),
    },
    permission: 'fleet.read',
    tenant: undefined,
  }),
  userCreated: (tenant) => ({
    event: {
      aggregateType: 'user',
      aggregateId: `usr_${++made}`,
      type: 'user_created',
      payload: { email: `ann@${tenant}.test`, roles: ['viewer'] },
      meta: metaOf(tenant),
    },
    permission: 'audit.read',
    tenant: undefined,
  }),
};

interface Reader {
  readonly grants: readonly Permission[];
  readonly scope: Scope | undefined;
}

const readers = fc.record<Reader>({
  grants: fc.subarray<Permission>([...grantable]),
  scope: fc.option(
    fc.record<Scope>(
      { tenants: fc.subarray<string>([...tenants, 'nobody']), nodes: fc.subarray<string>(['acme', 'node-1']) },
      { requiredKeys: [] },
    ),
    { nil: undefined },
  ),
});

let stage: ChangeStage;
const log: (Known & { position: number })[] = [];

beforeAll(async () => {
  stage = await startChangeStage({}, { catalogue });
  const names = fc.sample(fc.tuple(fc.constantFrom(...Object.keys(kinds)), fc.constantFrom(...tenants)), { numRuns: 150, seed: 1 });
  for (const [kind, tenant] of names) {
    const known = kinds[kind]?.(tenant);
    if (known !== undefined) log.push({ ...known, position: await stage.append(known.event) });
  }
}, 120_000);

afterAll(() => stage.stop());

const end = () => log.at(-1)?.position ?? 0;
const positionOf = (cursor: string) => Number.parseInt(cursor, 10);

/** What one of the ways brought. */
interface Read {
  readonly positions: number[];
  /** All of it, as text. */
  readonly text: string;
}

async function poll(token: string): Promise<Read> {
  const items: { position: number }[] = [];
  for (let cursor = '0'; positionOf(cursor) < end();) {
    const { status, body } = await stage.gateway.call('GET', `/platform/v1/changes?cursor=${cursor}&limit=7`, { token });
    if (status !== 200) throw new Error(`answered with ${status}`);
    items.push(...(body['items'] as { position: number }[]));
    cursor = String(body['cursor']);
  }
  return { positions: items.map(({ position }) => position), text: JSON.stringify(items) };
}

async function sse(token: string): Promise<Read> {
  const stream = await stage.stream('?cursor=0', { token });
  await eventually(() => stream.seen.some(({ id }) => positionOf(id) >= end()), { what: 'the end of the log' });
  stream.close();
  return { positions: stream.changes().map(({ position }) => position), text: JSON.stringify(stream.changes()) };
}

async function grpc(token: string): Promise<Read> {
  const changes: changesV1.Change[] = [];
  for await (const { cursor, change } of stage.grpc.watch(changesV1.WatchRequest.fromPartial({ cursor: '0' }), { token })) {
    if (change !== undefined) changes.push(change);
    if (positionOf(cursor) >= end()) break;
  }
  return { positions: changes.map(({ position }) => position), text: JSON.stringify(changes) };
}

describe('the change stream', () => {
  it('gives each reader exactly what they may read, whichever way they ask', async () => {
    let [toScoped, toOthers, ofNodes] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(readers, async ({ grants, scope }) => {
        const token = stage.reader(['change.read', ...grants], { scope });
        const own = scope?.tenants ?? [];
        const expected = log.filter(
          ({ permission, tenant, node }) =>
            grants.includes(permission) &&
            (scope === undefined ||
              (tenant !== undefined && own.includes(tenant)) ||
              (node !== undefined && (scope.nodes ?? []).includes(node))),
        );
        const reads = await Promise.all([poll(token), sse(token), grpc(token)]);
        for (const { positions, text } of reads) {
          expect(positions).toEqual(expected.map(({ position }) => position));
          if (scope === undefined) continue;
          // Nothing of anybody else, in whatever field it may stand.
          for (const stranger of tenants.filter((tenant) => !own.includes(tenant))) expect(text).not.toContain(stranger);
        }
        if (scope === undefined) toOthers += expected.length;
        else toScoped += expected.length;
        if (scope !== undefined) ofNodes += expected.filter(({ node }) => node !== undefined).length;
      }),
      // Each sort of reader once, whatever chance brings.
      {
        numRuns: 40,
        examples: [
          [{ grants: ['fleet.read'], scope: { nodes: ['node-1'] } }],
          [{ grants: grantable, scope: { tenants } }],
          [{ grants: grantable, scope: undefined }],
        ],
      },
    );
    expect(Math.min(toScoped, toOthers, ofNodes)).toBeGreaterThan(0);
  }, 60_000);

  it('gives each reader whose grants are on tenants exactly what is theirs, and names nobody else to them', async () => {
    const onTenants = fc.dictionary(fc.constantFrom(...tenants), fc.subarray<Permission>(['change.read', ...grantable]));
    let told = 0;
    await fc.assert(
      fc.asyncProperty(onTenants, async (given) => {
        const may = (tenant: string, permission: Permission) => given[tenant]?.includes(permission) === true;
        // Who may follow changes nowhere at all is refused.
        fc.pre(tenants.some((tenant) => may(tenant, 'change.read')));
        const grants = new Map(Object.entries(given).map(([tenant, list]) => [`/tenants/${tenant}`, new Set(list)] as const));
        const token = stage.reader([], granted(grants));
        const expected = log.filter(
          ({ permission, tenant }) => tenant !== undefined && may(tenant, 'change.read') && may(tenant, permission),
        );
        for (const { positions, text } of await Promise.all([poll(token), sse(token), grpc(token)])) {
          expect(positions).toEqual(expected.map(({ position }) => position));
          for (const stranger of tenants.filter((tenant) => !expected.some((one) => one.tenant === tenant)))
            expect(text).not.toContain(stranger);
        }
        told += expected.length;
      }),
      { numRuns: 40, examples: [[{ acme: ['change.read', 'job.read'], globex: ['job.read'] }]] },
    );
    expect(told).toBeGreaterThan(0);
  }, 60_000);

  it('shows a reader who is kept to a scope less of an event than others', async () => {
    const failed = log.find(({ event }) => event.type === 'job_failed');
    const tenant = failed?.tenant ?? '';
    const query = `?cursor=0&limit=1&types=job.job_failed&tenant=${tenant}`;
    const ask = async (token: string) => {
      const { body } = await stage.gateway.call('GET', `/platform/v1/changes${query}`, { token });
      return (body['items'] as unknown[])[0];
    };
    const whole = await ask(stage.reader(['change.read', 'job.read']));
    expect(whole).toMatchObject({ payload: failed?.event.payload, meta: failed?.event.meta ?? {} });
    const kept = await ask(stage.reader(['change.read', 'job.read'], { scope: { tenants: [tenant] } }));
    const { job_id, step } = failed?.event.meta ?? {};
    expect(kept).toMatchObject({ position: failed?.position, tenant_id: tenant });
    expect((kept as { payload: unknown }).payload).toEqual({ tenant_id: tenant, error: { code: 'tenant_state', step: 'drain' } });
    expect((kept as { meta: unknown }).meta).toEqual({ job_id, step });
    // So does one who may read such events of a part of the platform alone.
    const ofPart = stage.reader([], granted(new Map([[`/tenants/${tenant}`, new Set<Permission>(['change.read', 'job.read'])]])));
    expect(await ask(ofPart)).toEqual(kept);
  });
});
