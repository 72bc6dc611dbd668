import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ConfigIdentity } from '@fairlead/contracts';
import { headPosition } from '@fairlead/event-log';
import { newContext, runInContext } from '@fairlead/telemetry';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrations } from '../store/migrations/index.js';
import { putShard } from '../tenants/put-shard.js';
import { setShardState } from '../tenants/set-shard-state.js';
import { promoteRevision, revertChange, stageRevision } from './change.js';
import { canonicalForm, sha256Of } from './domain/canonical.js';
import { referencesTo } from './references.js';
import { keepContent } from './store/writes.js';

let database: TestDatabase;
const asTest = <T>(work: () => Promise<T>) => runInContext(newContext({ principal: 'service:test' }), work);
const routing = { domain: 'routing', name: 'default', scope: 'platform' } as const;
const placement = { domain: 'placement', name: 'default', scope: 'platform' } as const;
const routes = [{ id: 'all', path_prefix: '/', to: { kind: 'runner' } }];

beforeAll(async () => {
  database = await testDatabase({ service: 'placement', migrations });
  const endpoints = [{ endpointId: 'a', url: 'http://127.0.0.1:1' }];
  for (const [kind, shardId, zone] of [
    ['runner', 'runner-1', 'west'],
    ['runner', 'runner-2', 'east'],
    ['runner', 'runner-3', 'east'],
    ['gateway', 'gw-1', 'east'],
  ] as const)
    await asTest(() => putShard(database.db, { kind, shardId, endpoints, labels: { zone } }, 0));
}, 120_000);

afterAll(() => database.drop());

async function stage(identity: ConfigIdentity, given: Record<string, unknown>, expectedRevision: number): Promise<number> {
  const content = canonicalForm(given);
  const sha256 = sha256Of(content);
  await database.db.transaction((tx) => keepContent(tx, sha256, content));
  const idempotencyKey = `${identity.domain} ${String(expectedRevision)} ${sha256}`;
  const request = { identity, sha256, expectedRevision, gateways: [], idempotencyKey, fence: 1, reason: 'a test' };
  const { revision } = await asTest(() => stageRevision(database.db, request));
  return revision;
}

async function apply(identity: ConfigIdentity, given: Record<string, unknown>, expectedRevision: number): Promise<void> {
  const revision = await stage(identity, given, expectedRevision);
  await asTest(() => promoteRevision(database.db, { identity, revision, restored: undefined, fence: 1, reason: 'a test' }));
}

const toldOf = async (kind: string, shardId: string) =>
  (await referencesTo(database.db, { kind, shardId })).map(({ document, pointer }) => `${document} ${pointer}`);
const setState = (state: 'cordoned' | 'removed', shardId: string) =>
  asTest(() => setShardState(database.db, { kind: 'runner', shardId, state, reason: 'a test' }, 0));

describe('references of documents to a shard', () => {
  it('are none as long as no document names it', async () => {
    expect(await toldOf('runner', 'runner-2')).toEqual([]);
  });

  it('are told with document and pointer, of what is in force and what is tried', async () => {
    await apply(routing, { routes, default_shards: { runner: 'runner-2' }, gateways: { 'gw-1': { max_inflight: 5 } } }, 0);
    const pins = [
      // There is no such tenant: that is wrong with and without the shard.
      { tenants: ['nobody'], kind: 'runner', on: { shard: 'runner-2' } },
      { tenants: ['nobody'], kind: 'runner', on: { labels: { zone: 'west' } } },
      { tenants: ['nobody'], kind: 'runner', on: { labels: { zone: 'east' } } },
    ];
    const revision = await stage(placement, { pins }, 0);
    expect(await toldOf('runner', 'runner-2')).toEqual([
      'placement/platform/default /pins/0/on/shard',
      'routing/platform/default /default_shards/runner',
    ]);
    expect(await toldOf('runner', 'runner-1')).toEqual(['placement/platform/default /pins/1/on/labels']);
    expect(await toldOf('gateway', 'gw-1')).toEqual(['routing/platform/default /gateways/gw-1']);
    expect(await toldOf('runner', 'runner-3')).toEqual([]);
    const stagedBy = `placement 0 ${sha256Of(canonicalForm({ pins }))}`;
    await asTest(() => revertChange(database.db, { identity: placement, stagedBy, fence: 1, reason: 'a test' }));
    expect([revision, await toldOf('runner', 'runner-1')]).toEqual([1, []]);
  });

  it('keep it from being removed, and leave it as it is', async () => {
    for (const shardId of ['runner-2', 'runner-3']) await setState('cordoned', shardId);
    const head = await headPosition(database.db);
    await expect(setState('removed', 'runner-2')).rejects.toMatchObject({
      code: 'shard_in_use',
      message: expect.stringContaining('routing/platform/default /default_shards/runner') as unknown,
    });
    expect(await headPosition(database.db)).toBe(head);
    expect(await setState('removed', 'runner-3')).toMatchObject({ changed: true });
    await apply(routing, { routes }, 1);
    expect(await setState('removed', 'runner-2')).toMatchObject({ changed: true });
  });
});
