import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { placedKinds } from '@fairlead/contracts';
import { headPosition, readLog } from '@fairlead/event-log';
import { newContext, runInContext } from '@fairlead/telemetry';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrations } from '../store/migrations/index.js';
import { registerTenant } from './create-tenant.js';
import type { TenantBalance } from './domain/tenant-balance.js';
import { moveTenant } from './move-tenant.js';
import { putShard } from './put-shard.js';
import { putTenantBalance } from './put-tenant-balance.js';
import { explainNow, planFromNow } from './rebalance.js';
import { readWholePlacement } from './store/effective.js';
import { findTenantBalance } from './store/tenant-balance.js';

const asTest = <T>(work: () => Promise<T>) => runInContext(newContext({ principal: 'service:test' }), work);
const put = (tenantId: string, partial: Partial<TenantBalance>, expectedRevision = 0) =>
  asTest(() => putTenantBalance(database.db, tenantId, { load: 1, pinned: [], antiAffinity: null, ...partial }, expectedRevision));
const planned = async () =>
  (await planFromNow(database.db, { kind: 'runner', unhealthy: [] }, { mode: 'balance', cooldownMs: 0, nowMs: 0 })).moves.map(
    ({ tenantId, to }) => `${tenantId} ${to}`,
  );

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement', migrations });
  for (const kind of placedKinds)
    for (const id of ['1', '2'])
      await asTest(() =>
        putShard(
          database.db,
          { kind, shardId: `${kind}-${id}`, endpoints: [{ endpointId: 'a', url: 'http://127.0.0.1:1' }], labels: {} },
          0,
        ),
      );
  for (const [tenantId, runner] of Object.entries({ a: 'runner-1', b: 'runner-1', c: 'runner-2', d: 'runner-2' }))
    await asTest(() => registerTenant({ tenantId, name: 't', requested: { runner } }, database.db.transaction));
}, 120_000);

afterAll(() => database.drop());

describe('what balancing heeds of a tenant', () => {
  it('is plain until it is said, then stands at a revision of placement, and leaves no trace when nothing changes', async () => {
    expect(await findTenantBalance(database.db, 'a')).toEqual({ load: 1, pinned: [], antiAffinity: null, revision: 0 });
    const before = await readWholePlacement(database.db, { tenants: true });
    const said = await put('a', { load: 0.1, pinned: ['runner', 'aggregate', 'runner'], antiAffinity: 'ha' });
    const balance = { load: 0.1, pinned: ['aggregate', 'runner'], antiAffinity: 'ha', revision: before.revision + 1 };
    expect(said).toMatchObject({ changed: true, balance });
    expect(await findTenantBalance(database.db, 'a')).toEqual(balance);
    // Placement is at that revision, with everybody where they were.
    expect(await readWholePlacement(database.db, { tenants: true })).toEqual({ ...before, revision: before.revision + 1 });
    const head = await headPosition(database.db);
    expect(await put('a', { load: 0.1, pinned: ['aggregate', 'runner'], antiAffinity: 'ha' })).toEqual({
      changed: false,
      position: 0,
      balance,
    });
    expect(await headPosition(database.db)).toBe(head);
    const events = await readLog(database.db, { after: 0, limit: 10, aggregateType: 'placement_map', aggregateId: 'a' });
    expect(events.map(({ type, position, payload }) => [type, position, payload])).toEqual([
      [
        'tenant_balance_changed',
        said.position,
        {
          tenant_id: 'a',
          load: 0.1,
          pinned: ['aggregate', 'runner'],
          anti_affinity: 'ha',
          revision: balance.revision,
          epoch: before.epoch,
        },
      ],
    ]);
    await put('a', {});
  });

  it('is changed from the revision that is named alone, and for tenants that there are', async () => {
    const { revision } = (await put('b', { load: 4 })).balance;
    await expect(put('b', { load: 5 }, revision - 1)).rejects.toMatchObject({
      code: 'revision_mismatch',
      details: { expected: revision - 1, actual: revision },
    });
    expect(await put('b', {}, revision)).toMatchObject({ changed: true, balance: { load: 1 } });
    await expect(put('nobody', {})).rejects.toMatchObject({ code: 'tenant_not_found' });
  });

  it('is heeded by plans: loads, pins of the kind, and groups', async () => {
    expect(await planned()).toEqual([]);
    await put('a', { load: 2 });
    await put('b', { load: 2 });
    await put('d', { load: 0 });
    expect(await planned()).toEqual([]);
    await put('c', { load: 0 });
    expect(await planned()).toEqual(['b runner-2']);
    await put('b', { load: 2, pinned: ['runner'] });
    expect(await planned()).toEqual(['a runner-2']);
    await put('b', { load: 2, pinned: ['aggregate'] });
    await put('a', { load: 2, pinned: ['runner'] });
    expect(await planned()).toEqual(['b runner-2']);
    await put('b', { load: 2, antiAffinity: 'ha' });
    await put('c', { load: 0, antiAffinity: 'ha' });
    expect(await planned()).toEqual([]);
    expect(await explainNow(database.db, 'runner', 'a')).toMatchObject({ load: 2, holds: ['pinned'] });
    expect(await explainNow(database.db, 'aggregate', 'a')).toMatchObject({ load: 2, holds: [] });
  });

  it('moves nobody, and does not keep an operator from moving a tenant', async () => {
    const { maps } = await readWholePlacement(database.db, { tenants: true });
    expect(maps['runner']).toEqual({ a: 'runner-1', b: 'runner-1', c: 'runner-2', d: 'runner-2' });
    const [row] = await database.db.query<{ revision: number }>(
      `select revision from assignment where tenant_id = 'a' and kind = 'runner'`,
    );
    const moves = [{ kind: 'runner' as const, toShardId: 'runner-2', expectedRevision: row?.revision ?? 0 }];
    await asTest(() => moveTenant(database.db, { tenantId: 'a', moves, idempotencyKey: 'k', fence: 1, reason: 'all the same' }));
    expect((await findTenantBalance(database.db, 'a'))?.pinned).toEqual(['runner']);
  });
});
