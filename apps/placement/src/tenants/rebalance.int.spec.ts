import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { headPosition } from '@fairlead/event-log';
import { newContext, runInContext } from '@fairlead/telemetry';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrations } from '../store/migrations/index.js';
import { registerTenant } from './create-tenant.js';
import type { Goal } from './domain/rebalance/types.js';
import { moveTenant } from './move-tenant.js';
import { putShard } from './put-shard.js';
import { explainNow, planFromNow, whatIfNow } from './rebalance.js';
import { readWholePlacement } from './store/effective.js';
import { findTenant } from './store/tenants.js';

const asTest = <T>(work: () => Promise<T>) => runInContext(newContext({ principal: 'service:test' }), work);
const asked = { kind: 'runner', unhealthy: [] } as const;
const balance: Goal = { mode: 'balance', cooldownMs: 0, nowMs: 0 };

let database: TestDatabase;
let began: number;

async function move(tenantId: string, to: string, reason: string, kind: PlacedKind = 'runner'): Promise<void> {
  const tenant = await findTenant(database.db, tenantId);
  const expectedRevision = tenant?.assignments.find((assignment) => assignment.kind === kind)?.revision ?? 0;
  const moves = [{ kind, toShardId: to, expectedRevision }];
  await asTest(() => moveTenant(database.db, { tenantId, moves, idempotencyKey: `${tenantId} ${to}`, fence: 1, reason }));
}

beforeAll(async () => {
  database = await testDatabase({ service: 'placement', migrations });
  for (const kind of placedKinds)
    for (const id of ['1', '2', '3'])
      await asTest(() =>
        putShard(
          database.db,
          { kind, shardId: `${kind}-${id}`, endpoints: [{ endpointId: 'a', url: 'http://127.0.0.1:1' }], labels: {} },
          0,
        ),
      );
  for (let n = 1; n <= 6; n += 1) {
    // The last goes where there is most room.
    const requested = n === 6 ? {} : { runner: 'runner-1' };
    await asTest(() => registerTenant({ tenantId: `t-${String(n)}`, name: 't', requested }, database.db.transaction));
  }
  began = Date.now();
  await move('t-5', 'runner-3', 'away');
  await move('t-5', 'runner-1', 'and back');
}, 120_000);

afterAll(() => database.drop());

describe('a plan from the placement as it stands', () => {
  it('names the revision it was made from, leads to balance when it is made, and changes nothing by itself', async () => {
    const head = await headPosition(database.db);
    const plan = await planFromNow(database.db, asked, balance);
    const { epoch, revision } = await readWholePlacement(database.db, { tenants: false });
    expect(plan).toMatchObject({ epoch, revision, ratioBefore: 2.5, ratioAfter: 1, leftOver: [] });
    expect(plan.moves.map(({ from, to }) => [from, to]).toSorted()).toEqual([
      ['runner-1', 'runner-2'],
      ['runner-1', 'runner-3'],
      ['runner-1', 'runner-3'],
    ]);
    expect(await planFromNow(database.db, asked, balance)).toEqual(plan);
    const stuck = plan.moves.map(({ tenantId }) => tenantId);
    const around = await planFromNow(database.db, { ...asked, stuck }, balance);
    expect(around.moves.filter(({ tenantId }) => stuck.includes(tenantId))).toEqual([]);
    expect(around.leftOver).toMatchObject([{ shardId: 'runner-1', reason: 'stuck_tenants' }]);
    expect(await headPosition(database.db)).toBe(head);
  });

  it('leaves who moved a short while ago, and shards that are not healthy', async () => {
    // What came there by its registration has not moved; t-5 has, whatever its later moves.
    const goal: Goal = { mode: 'empty', shardId: 'runner-1', cooldownMs: 3_600_000, nowMs: Date.now() };
    const plan = await planFromNow(database.db, { kind: 'runner', unhealthy: ['runner-3'] }, goal);
    expect(plan.moves.map(({ tenantId, to }) => [tenantId, to])).toEqual(
      ['t-1', 't-2', 't-3', 't-4'].map((tenant) => [tenant, 'runner-2']),
    );
    expect(plan.leftOver).toContainEqual(expect.objectContaining({ shardId: 'runner-1', reason: 'cooldown' }));
    const later = await planFromNow(database.db, { kind: 'runner', unhealthy: [] }, { ...goal, nowMs: Date.now() + 7_200_000 });
    expect(later.moves).toHaveLength(5);
  });

  it('takes nobody to a shard that has no endpoint', async () => {
    await asTest(() => putShard(database.db, { kind: 'runner', shardId: 'runner-4', endpoints: [], labels: {} }, 0));
    const plans = [balance, { ...balance, mode: 'empty', shardId: 'runner-1' } as const];
    for (const goal of plans) {
      const { moves } = await planFromNow(database.db, asked, goal);
      expect(moves.length).toBeGreaterThan(0);
      expect(moves.map(({ to }) => to)).not.toContain('runner-4');
    }
    const { moves } = await whatIfNow(database.db, asked, 'runner-1');
    expect(moves.map(({ to }) => to)).not.toContain('runner-4');
  });

  it('is refused for shards that are not there', async () => {
    await expect(planFromNow(database.db, asked, { ...balance, mode: 'empty', shardId: 'runner-9' })).rejects.toMatchObject({
      code: 'shard_not_found',
    });
    await expect(whatIfNow(database.db, asked, 'runner-9')).rejects.toMatchObject({ code: 'shard_not_found' });
  });
});

describe('what if a shard died', () => {
  it('tells where its tenants would go, or that nobody takes them', async () => {
    const outcome = await whatIfNow(database.db, asked, 'runner-1');
    expect(outcome.moves.map(({ tenantId }) => tenantId).toSorted()).toEqual(['t-1', 't-2', 't-3', 't-4', 't-5']);
    expect(outcome).toMatchObject({ stranded: [], ratioAfter: 1 });
    const alone = await whatIfNow(database.db, { kind: 'runner', unhealthy: ['runner-2', 'runner-3'] }, 'runner-1');
    expect(alone).toMatchObject({ moves: [], stranded: ['t-1', 't-2', 't-3', 't-4', 't-5'] });
  });
});

describe('why a tenant is where it is', () => {
  it('is that it was asked for, that there was room, or its latest move', async () => {
    expect(await explainNow(database.db, 'runner', 't-1')).toMatchObject({
      ...{ shardId: 'runner-1', because: 'requested', moves: [], reason: '', shardRatio: 2.5 },
    });
    expect(await explainNow(database.db, 'runner', 't-6')).toMatchObject({ because: 'most_room', moves: [] });
    expect(await explainNow(database.db, 'aggregate', 't-5')).toMatchObject({ because: 'most_room', moves: [] });
    const moved = await explainNow(database.db, 'runner', 't-5');
    expect(moved).toMatchObject({ shardId: 'runner-1', because: 'moved', reason: 'and back' });
    expect(moved.moves.map(({ from, to, reason }) => [from, to, reason])).toEqual([
      ['runner-3', 'runner-1', 'and back'],
      ['runner-1', 'runner-3', 'away'],
    ]);
    // Where there are more moves than are told, the newest are; those of another kind do not count.
    const { shardId } = await explainNow(database.db, 'aggregate', 't-5');
    await move('t-5', shardId === 'aggregate-1' ? 'aggregate-2' : 'aggregate-1', 'another kind', 'aggregate');
    const short = await explainNow(database.db, 'runner', 't-5', 1);
    expect(short).toMatchObject({ because: 'moved', reason: 'and back', sinceMs: moved.sinceMs });
    expect(short.moves).toEqual(moved.moves.slice(0, 1));
    // By the clock of the database, on the same machine.
    expect(moved.sinceMs).toBeGreaterThanOrEqual(began - 1_000);
    await expect(explainNow(database.db, 'runner', 'nobody')).rejects.toMatchObject({ code: 'tenant_not_found' });
  });
});
