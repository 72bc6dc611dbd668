import { existsSync, readFileSync, rmSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, placedKinds } from '@fairlead/contracts';
import { placementFiles, readPlacementFiles } from '@fairlead/placement-map/files';
import { createLogger, createMetrics, newContext, runInContext, type Registry } from '@fairlead/telemetry';
import { eventually, testDatabase, testFolder, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { migrations } from '../store/migrations/index.js';
import { registerTenant } from './create-tenant.js';
import { keepFileCopy } from './file-copy.js';
import { moveTenant } from './move-tenant.js';
import { createPublicationMetrics } from './publication-metrics.js';
import { startPublication, type Publication } from './publication.js';
import { putShard } from './put-shard.js';
import { findTenant } from './store/tenants.js';

/** Placement is published to KV, and repeated in files. */
let nats: TestMessaging;
let database: TestDatabase;
let dir: string;
let registry: Registry;
let publication: Publication;
let lines: string[];

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
        { kind, shardId: `${kind}-${id}`, endpoints: [{ endpointId: 'a', url: 'http://127.0.0.1:1' }], labels: { zone: 'a' } },
        0,
      );
  dir = join(testFolder('placement-files'), 'config');
  lines = [];
  start();
}, 60_000);

afterEach(async () => {
  await publication.stop();
  await database.drop();
  const manager = await nats.messaging.manager();
  await manager.streams.delete(`KV_${nats.messaging.topology.buckets.placement.name}`);
});

function start(): void {
  registry = createMetrics({ service: 'test', version: '0', gitSha: '0', processMetrics: false });
  const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line: string) => lines.push(line) } });
  publication = startPublication({ database: database.db, messaging: nats.messaging, logger, registry, pollMs: 100, filesDir: dir });
}

const asTest = <T>(work: () => Promise<T>) => runInContext(newContext({ principal: 'service:test' }), work);
const register = (tenantId: string) =>
  asTest(() => registerTenant({ tenantId, name: tenantId, requested: { runner: 'runner-1' } }, database.db.transaction));

async function move(tenantId: string, toShardId: string): Promise<number> {
  const tenant = await findTenant(database.db, tenantId);
  const expectedRevision = tenant?.assignments.find(({ kind }) => kind === 'runner')?.revision ?? 0;
  const moves = [{ kind: 'runner' as const, toShardId, expectedRevision }];
  const { revision } = await asTest(() =>
    moveTenant(database.db, { tenantId, moves, idempotencyKey: newId('command'), fence: 1, reason: 'test' }),
  );
  publication.changed();
  return revision;
}

const filesShow = (tenantId: string, shardId: string) =>
  eventually(
    async () => {
      const source = await readPlacementFiles(dir);
      return source.maps.runner.get(tenantId) === shardId && source;
    },
    { what: `files with ${tenantId} on ${shardId}` },
  );
const failures = async () => {
  const { values } = (await registry.getSingleMetric('fairlead_placement_file_failures_total')?.get()) ?? { values: [] };
  return values[0]?.value ?? 0;
};

describe('placement in files', () => {
  it('follows what is published, and holds all of it', async () => {
    await register('acme');
    const first = await filesShow('acme', 'runner-1');
    expect(first.shards.map(({ kind, shardId, labels, state, weight }) => [kind, shardId, labels, state, weight])).toEqual(
      placedKinds.flatMap((kind) => ['1', '2'].map((id) => [kind, `${kind}-${id}`, { zone: 'a' }, 'active', 1])),
    );
    const revision = await move('acme', 'runner-2');
    expect(await filesShow('acme', 'runner-2')).toMatchObject({ epoch: 1, revision });
    expect(await readdir(join(dir, 'placement'))).toEqual(['dev.json']);
  });

  it('is written again at a start, also when nothing changed', async () => {
    await register('acme');
    await filesShow('acme', 'runner-1');
    await publication.stop();
    await rm(dir, { recursive: true });
    start();
    await filesShow('acme', 'runner-1');
  });

  it('is written again when somebody edits or removes a file, and said so', async () => {
    await register('acme');
    const { revision } = await filesShow('acme', 'runner-1');
    const { placement, routing } = placementFiles(dir);
    const whole = await readFile(placement, 'utf8');
    await writeFile(placement, whole.replaceAll('runner-1', 'runner-2'));
    expect(await filesShow('acme', 'runner-1')).toMatchObject({ epoch: 1, revision });
    await rm(routing);
    expect(await filesShow('acme', 'runner-1')).toMatchObject({ epoch: 1, revision });
    expect(await readFile(placement, 'utf8')).toBe(whole);
    expect(lines.filter((line) => line.includes('changed by somebody else'))).toHaveLength(2);
    expect(await failures()).toBe(0);
  });

  it('is written again also when somebody removes a file just after it was written', async () => {
    await publication.stop();
    const metrics = createPublicationMetrics(createMetrics({ service: 'test', version: '0', gitSha: '0', processMetrics: false }));
    const copy = keepFileCopy({ dir, logger: createLogger({ service: 'test', level: 'silent' }), metrics });
    const { placement, routing } = placementFiles(dir);
    const offer = (revision: number) => {
      copy.offer({ epoch: 1, revision, maps: { aggregate: new Map(), projection: new Map(), runner: new Map() }, shards: [] });
    };
    for (let revision = 1; revision <= 25; revision += 1) {
      offer(revision);
      // The second of the two; read as often as can be, to come right after it.
      while (!existsSync(placement) || !readFileSync(placement, 'utf8').includes(`"revision": ${String(revision)},`)) await nextTurn();
      rmSync(routing);
      await eventually(
        async () => {
          await copy.idle();
          offer(revision);
          return existsSync(routing);
        },
        { what: 'the file to be there again', intervalMs: 1, timeoutMs: 10_000 },
      );
      await copy.idle();
    }
  });

  it('is left alone while nothing changes', async () => {
    const folder = testFolder('placement-files-alone');
    const logger = createLogger({ service: 'test', level: 'silent' });
    const metrics = createPublicationMetrics(createMetrics({ service: 'test', version: '0', gitSha: '0', processMetrics: false }));
    const copy = keepFileCopy({ dir: folder, logger, metrics });
    const offered = async () => {
      copy.offer({ epoch: 1, revision: 1, maps: { aggregate: new Map(), projection: new Map(), runner: new Map() }, shards: [] });
      await copy.idle();
      return Promise.all(Object.values(placementFiles(folder)).map(async (file) => (await stat(file)).ino));
    };
    const first = await offered();
    expect([await offered(), await offered()]).toEqual([first, first]);
  });

  it('holds up nothing when it can not be written: told once, counted, and tried again', async () => {
    await publication.stop();
    // A file where the folder should be.
    await rm(dir, { recursive: true, force: true });
    await writeFile(dir, 'in the way');
    start();
    await register('acme');
    const revision = await move('acme', 'runner-2');
    await eventually(() => publication.published()?.revision === revision, { what: 'the publication' });
    await eventually(async () => (await failures()) > 3, { what: 'several attempts' });
    expect(publication.problem()).toBeUndefined();
    expect(lines.filter((line) => line.includes('could not be written'))).toHaveLength(1);
    expect(await readFile(dir, 'utf8')).toBe('in the way');
    await rm(dir);
    expect(await filesShow('acme', 'runner-2')).toMatchObject({ revision });
    await eventually(() => lines.some((line) => line.includes('written again')), { what: 'the good news' });
  });
});
