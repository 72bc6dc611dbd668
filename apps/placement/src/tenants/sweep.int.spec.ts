/** KV is compared with the database, and made what the database says. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { placedKinds } from '@fairlead/contracts';
import { readLog } from '@fairlead/event-log';
import { watchPlacement, type PlacementWatch } from '@fairlead/placement-map';
import { createLogger, createMetrics, newContext, runInContext, type Registry } from '@fairlead/telemetry';
import { eventually, testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { migrations } from '../store/migrations/index.js';
import { registerTenant } from './create-tenant.js';
import { startPublication, type Publication } from './publication.js';
import { putShard } from './put-shard.js';

const logger = createLogger({ service: 'test', level: 'silent' });
let nats: TestMessaging;
let database: TestDatabase;
let registry: Registry;
let stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  nats = await testMessaging();
}, 120_000);

afterAll(() => nats.close());

beforeEach(async () => {
  database = await testDatabase({ service: 'placement', migrations });
  for (const kind of placedKinds)
    for (const id of ['1', '2'])
      await putShard(
        database.db,
        { kind, shardId: `${kind}-${id}`, endpoints: [{ endpointId: 'a', url: 'http://127.0.0.1:1' }], labels: {} },
        0,
      );
  await runInContext(newContext({ principal: 'service:test' }), () =>
    registerTenant({ tenantId: 'acme', name: 'acme', requested: { runner: 'runner-1' } }, database.db.transaction),
  );
}, 60_000);

afterEach(async () => {
  for (const stop of stops.reverse()) await stop();
  stops = [];
  await database.drop();
  await (await nats.messaging.manager()).streams.delete(stream());
});

const bucketName = () => nats.messaging.topology.buckets.placement.name;
const stream = () => `KV_${bucketName()}`;
const subject = (key: string) => `$KV.${bucketName()}.${key}`;

function publishing(sweepMs: number): Publication {
  registry = createMetrics({ service: 'test', version: '0', gitSha: '0', processMetrics: false });
  const publication = startPublication({ database: database.db, messaging: nats.messaging, logger, registry, pollMs: 100, sweepMs });
  stops.push(() => publication.stop());
  return publication;
}

function reading(): PlacementWatch {
  const watch = watchPlacement({ messaging: nats.messaging, logger });
  stops.push(() => watch.stop());
  return watch;
}

const sweeps = async (result: string) => {
  const line = (await registry.metrics()).split('\n').find((one) => one.startsWith(`fairlead_placement_sweeps_total{result="${result}"`));
  return Number(line?.split(' ').at(-1));
};
const swept = (result: string, atLeast: number) =>
  eventually(async () => (await sweeps(result)) >= atLeast, { what: `${String(atLeast)} sweeps that found: ${result}` });
const events = () => readLog(database.db, { after: 0, limit: 20, aggregateType: 'placement_map', aggregateId: '@all' });

/** What stands under a key. */
const valueOf = async (key: string) =>
  (await (await nats.messaging.manager()).streams.getMessage(stream(), { last_by_subj: subject(key) }))?.string() ?? '';

/** The key of the chunk that acme's runner is in. */
async function chunkKey(): Promise<string> {
  const { chunks } = JSON.parse(await valueOf('marker')) as { chunks: Record<string, string> };
  const key = Object.keys(chunks).find((name) => name.startsWith('tenants.runner.'));
  if (key === undefined) throw new Error('there is no chunk of runners');
  return key;
}

describe('a sweep', () => {
  it('finds nothing where all is as it should be, and writes nothing', async () => {
    const publication = publishing(100);
    await swept('same', 3);
    expect(publication.difference()).toBeUndefined();
    expect(await events()).toEqual([]);
    expect(await sweeps('different')).toBe(0);
  });

  it('has a damaged value published anew under the same version, tells of it once, and is content afterwards', async () => {
    const publication = publishing(100);
    await swept('same', 1);
    const key = await chunkKey();
    const { epoch, revision } = JSON.parse(await valueOf('marker')) as { epoch: number; revision: number };
    await nats.messaging.jetstream().publish(subject(key), 'rubbish');
    await swept('different', 1);
    await eventually(() => publication.difference() === undefined, { what: 'a sweep that is content' });
    const reader = reading();
    await eventually(() => reader.current()?.shardOf('runner', 'acme') === 'runner-1', { what: 'a new reader' });
    expect(reader.current()).toMatchObject({ epoch, revision });
    expect((await events()).map(({ type, payload, meta }) => [type, payload, meta.principal])).toEqual([
      ['placement_bucket_differed', { epoch, revision, damaged: [key.slice(0, -2)], differing: [] }, 'service:placement'],
    ]);
    expect(publication.problem()).toBeUndefined();
    expect(await sweeps('different')).toBe(1);
  });

  it.each([
    ['has another shard for a tenant', `update placement.assignment set shard_id = 'runner-2'`, 'runner-2'],
    ['has no more seat for a tenant', 'delete from placement.assignment', undefined],
  ])('goes by the database when that %s without a new revision', async (_, change, expected) => {
    const publication = publishing(100);
    await swept('same', 1);
    const reader = reading();
    await eventually(() => reader.current()?.shardOf('runner', 'acme') === 'runner-1', { what: 'what was published' });
    const { epoch, revision } = reader.current() ?? { epoch: 0, revision: 0 };
    await database.adminSql.query(`${change} where kind = 'runner' and tenant_id = 'acme'`);
    await eventually(() => reader.current()?.epoch === epoch + 1, { what: 'a higher epoch' });
    expect(reader.current()?.shardOf('runner', 'acme')).toBe(expected);
    expect((await events()).map(({ type, payload }) => [type, payload['revision']])).toEqual([
      ['placement_bucket_differed', revision],
      ['placement_epoch_raised', revision],
    ]);
    await eventually(() => publication.problem() === undefined && publication.difference() === undefined, {
      what: 'a sweep that is content',
    });
  });

  it('has readers let go of what never was decided: it is published in a higher epoch', async () => {
    const publication = publishing(100);
    await swept('same', 1);
    // Whole by its hashes, and of the same version: in the other slot first, then by the marker.
    const key = await chunkKey();
    const forgedKey = `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`;
    const forged = (await valueOf(key)).replace('runner-1', 'runner-9');
    const marker = JSON.parse(await valueOf('marker')) as { epoch: number; revision: number; chunks: Record<string, string> };
    const { [key]: _, ...others } = marker.chunks;
    const hash = createHash('sha256').update(forged).digest('hex').slice(0, 16);
    await nats.messaging.jetstream().publish(subject(forgedKey), forged);
    await nats.messaging.jetstream().publish(subject('marker'), JSON.stringify({ ...marker, chunks: { ...others, [forgedKey]: hash } }));
    const reader = reading();
    await eventually(() => reader.current()?.epoch === 2, { what: 'a higher epoch' });
    expect(reader.current()?.shardOf('runner', 'acme')).toBe('runner-1');
    await eventually(() => publication.problem() === undefined && publication.difference() === undefined, {
      what: 'a sweep that is content',
    });
    const { epoch, revision } = marker;
    expect((await events()).map(({ type, payload }) => [type, payload])).toEqual([
      ['placement_bucket_differed', { epoch, revision, damaged: [], differing: [key.slice(0, -2)] }],
      ['placement_epoch_raised', expect.objectContaining({ epoch: 2, previous_epoch: 1 })],
    ]);
  });
});
