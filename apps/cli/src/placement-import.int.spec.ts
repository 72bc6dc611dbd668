import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { placedKinds, serviceKinds, type PlacedKind, type ServiceKind } from '@fairlead/contracts';
import { writePlacementFiles, type PlacementSource } from '@fairlead/placement-map/files';
import { exitCodes } from './exit.js';
import { problem, startStage, type Stage } from './gateway.fixture.js';

let stage: Stage;

beforeEach(async () => {
  stage = await startStage();
});
afterEach(() => stage.stop());

type Shard = PlacementSource['shards'][number];
const shard = (kind: ServiceKind, shardId: string, more: Partial<Shard> = {}): Shard => ({
  kind,
  shardId,
  endpoints: [{ endpointId: 'one', url: `http://${shardId}.example:8080` }],
  weight: 1,
  labels: {},
  state: 'active',
  ...more,
});
const source = (maps: Record<PlacedKind, Record<string, string>>, shards: readonly Shard[]): PlacementSource => ({
  epoch: 3,
  revision: 41,
  maps: {
    aggregate: new Map(Object.entries(maps.aggregate)),
    projection: new Map(Object.entries(maps.projection)),
    runner: new Map(Object.entries(maps.runner)),
  },
  shards,
});
const one = () =>
  source({ aggregate: { acme: 'a1' }, projection: { acme: 'p1' }, runner: { acme: 'r1' } }, [
    shard('aggregate', 'a1', { state: 'cordoned', labels: { zone: 'b', rack: '7' } }),
    shard('projection', 'p1', { weight: 3 }),
    shard('runner', 'r1'),
    shard('gateway', 'g1'),
  ]);

/** An installation, as far as an import meets it: refuses what the real one refuses. */
function installation(names: readonly Shard[]) {
  const shards = new Map<string, { kind: ServiceKind; shardId: string; entry: Record<string, unknown>; revision: number }>();
  const tenants = new Map<string, Record<PlacedKind, string>>();
  let revision = 0;
  const body = () => ({
    epoch: 1,
    revision,
    published_revision: revision,
    ...Object.fromEntries(
      placedKinds.map((kind) => [`${kind}_placement`, Object.fromEntries([...tenants].map(([id, on]) => [id, { shard: on[kind] }]))]),
    ),
    shards: Object.fromEntries(
      serviceKinds.map((kind) => [
        kind,
        Object.fromEntries(
          [...shards.values()]
            .filter((one) => one.kind === kind)
            .map(({ shardId, entry, revision: at }) => [shardId, { ...entry, revision: at, tenants: 0 }]),
        ),
      ]),
    ),
  });
  stage.gateway.routes.clear();
  stage.gateway.on('GET /admin/v1/placement', () => ({ body: body() }));
  stage.gateway.on('POST /admin/v1/tenants', ({ body: asked }) => {
    const { tenant_id: id, placement } = asked as { tenant_id: string; placement: Record<PlacedKind, string> };
    const states = placedKinds.map((kind) => shards.get(`${kind}/${placement[kind]}`)?.entry['state']);
    if (states.some((state) => state !== 'active')) return problem(400, 'invalid_argument', `${id}: ${states.join()}`);
    revision += 1;
    tenants.set(id, placement);
    return { status: 201, body: { tenant_id: id } };
  });
  for (const { kind, shardId } of names) {
    stage.gateway.on(`PUT /admin/v1/shards/${kind}/${shardId}`, ({ body: entry, headers }) => {
      const before = shards.get(`${kind}/${shardId}`);
      if (before !== undefined && headers['if-match'] !== `"${String(before.revision)}"`)
        return problem(412, 'revision_mismatch', 'another revision');
      revision += 1;
      shards.set(`${kind}/${shardId}`, { kind, shardId, entry, revision });
      return { body: { kind, shard_id: shardId, ...entry, revision, tenants: 0 } };
    });
  }
  return { tenants, shards };
}

async function folderOf(documents: PlacementSource): Promise<string> {
  const dir = mkdtempSync(join(stage.dir, 'documents-'));
  await writePlacementFiles(dir, documents);
  return dir;
}

/** What files say but for the version. */
function contentOf(dir: string): unknown[] {
  return ['placement/dev.json', 'routing/dev.json'].map((file) => {
    const { epoch: _epoch, revision: _revision, ...rest } = JSON.parse(readFileSync(join(dir, file), 'utf8')) as Record<string, unknown>;
    return rest;
  });
}

const writes = () => stage.gateway.seen.filter(({ route }) => !route.startsWith('GET'));

describe('fairlead placement import', () => {
  it('tells with --dry-run what would be done, and does nothing', async () => {
    installation(one().shards);
    const dir = await folderOf(one());
    const { exitCode, out } = await stage.run(['placement', 'import', dir, '--dry-run']);
    expect([exitCode, writes()]).toEqual([exitCodes.ok, []]);
    expect(out).toContain('Shards to put');
    expect(out).toMatch(/acme +a1 +p1 +r1/);
    const json = JSON.parse((await stage.run(['placement', 'import', dir, '--dry-run', '-o', 'json'])).out) as Record<string, unknown>;
    expect(json).toMatchObject({ done: false, tenants: [{ tenant_id: 'acme' }], moves: [], kept: { shards: [], tenants: [] } });
  });

  it('puts shards and makes tenants, and the second time finds nothing to do', async () => {
    const { tenants, shards } = installation(one().shards);
    const dir = await folderOf(one());
    expect(await stage.run(['placement', 'import', dir, '--yes'])).toMatchObject({ exitCode: exitCodes.ok });
    expect(tenants.get('acme')).toEqual({ aggregate: 'a1', projection: 'p1', runner: 'r1' });
    // Filled first, and cordoned then.
    expect(shards.get('aggregate/a1')?.entry).toMatchObject({ state: 'cordoned', labels: { zone: 'b', rack: '7' } });
    stage.gateway.seen.length = 0;
    const again = await stage.run(['placement', 'import', dir, '--yes']);
    expect([again.exitCode, writes()]).toEqual([exitCodes.ok, []]);
    expect(again.out).toContain('Every shard and every tenant of the documents is there.');
  });

  it('moves nobody: it tells the plans, and leaves what only the installation has', async () => {
    const { tenants } = installation([...one().shards, shard('runner', 'r2')]);
    await stage.run(['placement', 'import', await folderOf(one()), '--yes']);
    const documents = source({ aggregate: { acme: 'a1' }, projection: { acme: 'p1' }, runner: { acme: 'r2' } }, [
      ...one().shards.filter(({ shardId }) => shardId !== 'g1'),
      shard('runner', 'r2'),
    ]);
    const { exitCode, out } = await stage.run(['placement', 'import', await folderOf(documents), '--yes']);
    expect(exitCode).toBe(exitCodes.ok);
    expect(out).toContain('fairlead tenant migrate acme --to runner=r2');
    expect(out).toContain('Shards that the documents do not have stay: gateway g1');
    expect(tenants.get('acme')?.runner).toBe('r1');
  });

  it('does nothing when the documents are wrong, say too little, or a cordon is in the way', async () => {
    installation(one().shards);
    const cases: [PlacementSource, string][] = [
      [
        source({ aggregate: { acme: 'a1' }, projection: {}, runner: { acme: 'r1' } }, one().shards),
        'the tenant acme is placed for no projection',
      ],
      [source({ aggregate: { acme: 'a9' }, projection: {}, runner: {} }, one().shards), 'has no aggregate shard a9'],
      [
        source({ aggregate: {}, projection: {}, runner: {} }, [
          shard('runner', 'r1', { endpoints: [{ endpointId: 'x', url: 'nowhere' }] }),
        ]),
        'is not an http',
      ],
    ];
    for (const [documents, message] of cases) {
      const { exitCode, err } = await stage.run(['placement', 'import', await folderOf(documents), '--yes']);
      expect([exitCode, err]).toEqual([exitCodes.usage, expect.stringContaining(message)]);
    }
    expect(writes()).toEqual([]);
    await stage.run(['placement', 'import', await folderOf(one()), '--yes']);
    const more = one();
    const documents = source(
      { aggregate: { acme: 'a1', new: 'a1' }, projection: { acme: 'p1', new: 'p1' }, runner: { acme: 'r1', new: 'r1' } },
      more.shards,
    );
    stage.gateway.seen.length = 0;
    const { exitCode, err } = await stage.run(['placement', 'import', await folderOf(documents), '--yes']);
    expect([exitCode, err, writes()]).toEqual([exitCodes.usage, expect.stringContaining('aggregate a1 is cordoned'), []]);
  });

  it('goes on where it broke off', async () => {
    const { tenants } = installation(one().shards);
    const made = stage.gateway.routes.get('POST /admin/v1/tenants');
    stage.gateway.on('POST /admin/v1/tenants', problem(403, 'permission_denied', 'not you'));
    const dir = await folderOf(one());
    expect((await stage.run(['placement', 'import', dir, '--yes'])).exitCode).toBe(exitCodes.auth);
    if (made !== undefined) stage.gateway.on('POST /admin/v1/tenants', made);
    // What was filled is not cordoned yet; it is left to the one who goes on.
    expect(await stage.run(['placement', 'import', dir, '--yes'])).toMatchObject({ exitCode: exitCodes.ok });
    expect([...tenants.keys()]).toEqual(['acme']);
    expect((await stage.run(['placement', 'import', dir, '--yes'])).out).toContain('Every shard and every tenant');
  });

  it('of any export into an empty installation gives the same export, but for epoch and revision', async () => {
    const id = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
    const entry = fc.record({
      endpoints: fc
        .uniqueArray(id, { maxLength: 3 })
        .map((ids) => ids.map((endpointId) => ({ endpointId, url: `https://${endpointId}.example/` }))),
      weight: fc.integer({ min: 1, max: 10_000 }),
      labels: fc.dictionary(
        fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== '__proto__'),
        fc.string({ maxLength: 8 }),
        { maxKeys: 3 },
      ),
      state: fc.constantFrom('active' as const, 'cordoned' as const),
    });
    const shardsOf = (kind: ServiceKind, minLength: number) =>
      fc
        .uniqueArray(fc.tuple(id, entry), { minLength, maxLength: 3, selector: ([name]) => name })
        .map((all) => all.map(([shardId, more]) => ({ kind, shardId, ...more })));
    const documents = fc
      .tuple(shardsOf('gateway', 0), shardsOf('aggregate', 1), shardsOf('projection', 1), shardsOf('runner', 1))
      .chain(([gateway, ...placed]) =>
        fc
          .uniqueArray(fc.tuple(id, ...placed.map((shards) => fc.constantFrom(...shards.map(({ shardId }) => shardId)))), {
            maxLength: 6,
            selector: ([name]) => name,
          })
          .map((tenants) => {
            const map = (index: number) => Object.fromEntries(tenants.map((seats) => [seats[0], seats[index] ?? '']));
            return source({ aggregate: map(1), projection: map(2), runner: map(3) }, [...gateway, ...placed.flat()]);
          }),
      );
    await fc.assert(
      fc.asyncProperty(documents, async (wanted) => {
        installation(wanted.shards);
        const dir = await folderOf(wanted);
        const { exitCode, err } = await stage.run(['placement', 'import', dir, '--yes']);
        expect([exitCode, err]).toEqual([exitCodes.ok, '']);
        const out = mkdtempSync(join(stage.dir, 'export-'));
        await stage.run(['placement', 'export', out]);
        expect(contentOf(out)).toEqual(contentOf(dir));
      }),
      { numRuns: 20 },
    );
  });

  it('says which file is wrong, and where', async () => {
    const dir = join(stage.dir, 'by-hand');
    for (const name of ['placement', 'routing']) {
      mkdirSync(join(dir, name), { recursive: true });
      writeFileSync(join(dir, name, 'dev.json'), '{');
    }
    const { exitCode, err } = await stage.run(['placement', 'import', dir]);
    expect([exitCode, err]).toEqual([exitCodes.usage, expect.stringContaining('placement/dev.json:1:')]);
  });
});
