import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headPosition, readLog } from '@fairlead/event-log';
import { newContext, runInContext } from '@fairlead/telemetry';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrations } from '../store/migrations/index.js';
import type { ShardRequest } from './domain/shards.js';
import { putShard } from './put-shard.js';
import { findShard } from './store/shards.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement', migrations });
}, 120_000);

afterAll(() => database.drop());

const endpoints = [{ endpointId: 'gw-a', url: 'http://127.0.0.1:4000' }];
const put = (shardId: string, partial: Partial<ShardRequest> = {}, expectedRevision = 0) =>
  runInContext(newContext({ principal: 'service:test' }), () =>
    putShard(database.db, { kind: 'gateway', shardId, endpoints, labels: { zone: 'a' }, ...partial }, expectedRevision),
  );

describe('putShard', () => {
  it('makes a shard, changes it, and leaves no trace when nothing changes', async () => {
    const created = await put('gw-1');
    expect(created).toMatchObject({ changed: true, shard: { kind: 'gateway', shardId: 'gw-1', weight: 1, state: 'active', tenants: 0 } });
    const cordoned = await put('gw-1', { state: 'cordoned', weight: 7 });
    expect(cordoned.shard.revision).toBe(created.shard.revision + 1);
    const head = await headPosition(database.db);
    // Weight and state are left out: they stay.
    expect(await put('gw-1')).toEqual({ changed: false, position: 0, shard: cordoned.shard });
    expect(await headPosition(database.db)).toBe(head);
    expect(await findShard(database.db, 'gateway', 'gw-1')).toEqual(cordoned.shard);
    const events = await readLog(database.db, { after: 0, limit: 10, aggregateType: 'shard', aggregateId: 'gateway/gw-1' });
    expect(events.map(({ type, position, payload }) => [type, position, payload['state'], payload['revision']])).toEqual([
      ['shard_created', created.position, 'active', created.shard.revision],
      ['shard_changed', cordoned.position, 'cordoned', cordoned.shard.revision],
    ]);
  });

  it('changes a shard from the revision named alone', async () => {
    const { revision } = (await put('gw-2')).shard;
    await expect(put('gw-2', { weight: 3 }, revision - 1)).rejects.toMatchObject({
      code: 'revision_mismatch',
      details: { kind: 'gateway', expected: revision - 1, actual: revision },
    });
    await expect(put('gw-2', { weight: 3 }, revision)).resolves.toMatchObject({ changed: true, shard: { weight: 3 } });
    await expect(put('gw-9', {}, 1)).rejects.toMatchObject({ code: 'shard_not_found' });
    expect(await findShard(database.db, 'gateway', 'gw-9')).toBeUndefined();
  });

  it('made twice at the same moment is one shard and one event', async () => {
    const outcomes = await Promise.all([put('gw-3'), put('gw-3'), put('gw-3')]);
    expect(outcomes.filter(({ changed }) => changed)).toHaveLength(1);
    expect(new Set(outcomes.map(({ shard }) => shard.revision)).size).toBe(1);
  });
});
