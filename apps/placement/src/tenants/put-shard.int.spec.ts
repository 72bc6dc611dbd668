import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headPosition, readLog } from '@fairlead/event-log';
import { newContext, runInContext } from '@fairlead/telemetry';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrations } from '../store/migrations/index.js';
import type { ShardRequest } from './domain/shards.js';
import { putShard } from './put-shard.js';
import { setShardState, type StateRequest } from './set-shard-state.js';
import { readIncrement } from './store/effective.js';
import { findShard, listShards } from './store/shards.js';

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

  it('keeps a highest load that is left out, and takes it away when that is said', async () => {
    expect((await put('gw-4', { maxLoad: 12.5 })).shard.maxLoad).toBe(12.5);
    expect(await put('gw-4')).toMatchObject({ changed: false, shard: { maxLoad: 12.5 } });
    expect((await findShard(database.db, 'gateway', 'gw-4'))?.maxLoad).toBe(12.5);
    expect((await put('gw-4', { maxLoad: null })).shard.maxLoad).toBeNull();
    const events = await readLog(database.db, { after: 0, limit: 10, aggregateType: 'shard', aggregateId: 'gateway/gw-4' });
    expect(events.map(({ payload }) => payload['max_load'])).toEqual([12.5, undefined]);
  });

  it('made twice at the same moment is one shard and one event', async () => {
    const outcomes = await Promise.all([put('gw-3'), put('gw-3'), put('gw-3')]);
    expect(outcomes.filter(({ changed }) => changed)).toHaveLength(1);
    expect(new Set(outcomes.map(({ shard }) => shard.revision)).size).toBe(1);
  });
});

describe('setShardState', () => {
  const set = (shardId: string, state: StateRequest['state'], expectedRevision = 0) =>
    runInContext(newContext({ principal: 'service:test' }), () =>
      setShardState(database.db, { kind: 'gateway', shardId, state, reason: 'the host goes' }, expectedRevision),
    );

  it('cordons and opens a shard, from the revision named alone, and once', async () => {
    const { revision } = (await put('gw-5', { maxLoad: 3 })).shard;
    await expect(set('gw-5', 'cordoned', revision - 1)).rejects.toMatchObject({ code: 'revision_mismatch' });
    const cordoned = await set('gw-5', 'cordoned', revision);
    expect(cordoned).toMatchObject({ changed: true, revision: revision + 1 });
    // A repeat of what was done finds it done.
    expect(await set('gw-5', 'cordoned', revision)).toEqual({ changed: false, position: 0, revision: revision + 1 });
    expect((await set('gw-5', 'active')).changed).toBe(true);
    // One that comes late does nothing.
    await expect(set('gw-5', 'cordoned', revision)).rejects.toMatchObject({ code: 'revision_mismatch' });
    expect(await findShard(database.db, 'gateway', 'gw-5')).toMatchObject({ state: 'active', maxLoad: 3 });
    await expect(set('gw-99', 'cordoned')).rejects.toMatchObject({ code: 'shard_not_found' });
  });

  it('removes a shard that is cordoned and empty; publishers learn of it, and it can be made anew', async () => {
    await put('gw-6');
    await expect(set('gw-6', 'removed')).rejects.toMatchObject({ code: 'shard_in_use' });
    const { revision } = await set('gw-6', 'cordoned');
    await database.db.query(`update shard set tenants = 1 where shard_id = 'gw-6'`);
    await expect(set('gw-6', 'removed')).rejects.toMatchObject({ code: 'shard_in_use', details: { tenants: 1 } });
    await database.db.query(`update shard set tenants = 0 where shard_id = 'gw-6'`);
    const removed = await set('gw-6', 'removed');
    expect(removed).toMatchObject({ changed: true, revision: 0 });
    expect(await set('gw-6', 'removed')).toEqual({ changed: false, position: 0, revision: 0 });
    expect(await findShard(database.db, 'gateway', 'gw-6')).toBeUndefined();
    expect((await listShards(database.db, 'gateway')).map(({ shardId }) => shardId)).not.toContain('gw-6');
    expect((await readIncrement(database.db, revision)).shards).toMatchObject([{ shardId: 'gw-6', state: 'removed' }]);
    await expect(put('gw-6', {}, revision)).rejects.toMatchObject({ code: 'shard_not_found' });
    expect((await put('gw-6')).shard).toMatchObject({ state: 'active', weight: 1, tenants: 0 });
    const events = await readLog(database.db, { after: 0, limit: 10, aggregateType: 'shard', aggregateId: 'gateway/gw-6' });
    expect(events.map(({ type, meta }) => [type, meta.reason])).toEqual([
      ['shard_created', undefined],
      ['shard_changed', 'the host goes'],
      ['shard_removed', 'the host goes'],
      ['shard_created', undefined],
    ]);
  });
});
