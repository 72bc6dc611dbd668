import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, placedKinds, placementV1 } from '@fairlead/contracts';
import { watchPlacement, type PlacementWatch } from '@fairlead/placement-map';
import type { RpcCall } from '@fairlead/rpc';
import { createLogger, createMetrics } from '@fairlead/telemetry';
import { eventually, testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { getPlacement } from '../grpc/get-placement.js';
import { migrations } from '../store/migrations/index.js';
import { moveTenant } from './move-tenant.js';
import { createPlanTurns } from './plan-turns.js';
import { startPublication, type Publication } from './publication.js';
import { listTenants } from './store/tenants.js';

const logger = createLogger({ service: 'test', level: 'silent' });
const count = 50_000;
const shards = 200;

let database: TestDatabase;
let nats: TestMessaging;
let publication: Publication;
let watch: PlacementWatch;

beforeAll(async () => {
  [database, nats] = await Promise.all([testDatabase({ service: 'placement', migrations }), testMessaging()]);
  await database.db.query(
    `with numbers as (select n from generate_series(1, $1) n),
     kinds as (select unnest($2::text[]) as kind),
     bumped as (update meta set revision = $1),
     shards as (insert into shard (kind, shard_id, endpoints, weight, labels, state, tenants, revision)
       select kind, 'shard-' || s, '[]', 1, '{}', 'active', $1 / $3, 1 from kinds, generate_series(0, $3 - 1) s returning 1),
     tenants as (insert into tenant (tenant_id, name, requested, revision) select 'tenant-' || n, 'Tenant', '{}', n from numbers returning 1)
     insert into assignment (tenant_id, kind, shard_id, revision) select 'tenant-' || n, kind, 'shard-' || n % $3, n from numbers, kinds`,
    [count, [...placedKinds], shards],
  );
  publication = startPublication({
    database: database.db,
    messaging: nats.messaging,
    logger,
    registry: createMetrics({ service: 'test', version: '0', gitSha: '0', processMetrics: false }),
  });
  watch = watchPlacement({ messaging: nats.messaging, logger });
}, 120_000);

afterAll(async () => {
  await publication.stop();
  await watch.stop();
  await Promise.all([database.drop(), nats.close()]);
});

describe(`${String(count)} tenants on ${String(shards)} shards of each kind`, () => {
  it('are published, and one move after another reaches the readers', async () => {
    await eventually(() => watch.current()?.revision === count, { what: 'everything in KV', timeoutMs: 30_000 });
    expect(placedKinds.map((kind) => watch.current()?.tenants(kind))).toEqual([count, count, count]);
    for (const [tenantId, expectedRevision] of [
      ['tenant-7', 7],
      ['tenant-40000', 40_000],
    ] as const) {
      const moves = [{ kind: 'runner' as const, toShardId: 'shard-199', expectedRevision }];
      const { revision } = await moveTenant(database.db, { tenantId, moves, idempotencyKey: newId('command'), fence: 1, reason: 'test' });
      publication.changed();
      await eventually(() => watch.current()?.revision === revision, { what: 'the move in KV', timeoutMs: 30_000 });
      expect(watch.current()?.shardOf('runner', tenantId)).toBe('shard-199');
    }
  }, 100_000);

  it('are answered whole in one message, and a page at a time', async () => {
    const answer = getPlacement({
      database: database.db,
      committed: () => undefined,
      publicationProblem: () => undefined,
      planTurns: createPlanTurns(),
      endpoints: { check: (url) => url },
    });
    const whole = await answer.handle({ withoutTenants: false }, {} as RpcCall);
    expect(placedKinds.map((kind) => Object.keys(whole.maps[kind]?.shardsByTenant ?? {}).length)).toEqual([count, count, count]);
    expect(placementV1.GetPlacementResponse.encode(whole).finish().byteLength).toBeLessThan(16 * 1024 * 1024);
    const { maps, ...rest } = await answer.handle({ withoutTenants: true }, {} as RpcCall);
    expect(maps).toEqual(Object.fromEntries(placedKinds.map((kind) => [kind, { shardsByTenant: {} }])));
    expect({ maps: whole.maps, ...rest }).toEqual(whole);
    const page = await listTenants(database.db, { after: 'tenant-30000', limit: 3, shard: { kind: 'runner', shardId: 'shard-5' } });
    expect(page.map(({ tenantId, assignments }) => [tenantId, assignments.length])).toEqual([
      ['tenant-30005', 3],
      ['tenant-3005', 3],
      ['tenant-30205', 3],
    ]);
  }, 60_000);
});
