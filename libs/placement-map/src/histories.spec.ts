/**
 * Readers over whole histories of an installation: changes, publications that broke off, a bucket that is wiped or rolled back, a database
 * that is restored, readers that start anew or read while others write, and increments that come late, twice, in any order, or not at all.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { createAssembler, compareVersions, type PlacementSnapshot, type PlacementSource } from '@fairlead/placement-reader';
import { decodeIncrement, decodeMarker, incrementJson, markerKey, readChunkKey, shortSha256 } from '@fairlead/placement-reader/format';
import { changesOf, planPublication, readEntries, type Held, type HeldChunk } from './publication.js';

type Action =
  /** Changes one seat and publishes, some hear of it at once; a crash leaves out the last so many writes, and the increment. */
  | { do: 'change'; kind: PlacedKind; tenant: number; shard: number; unwritten: number; heardBy: number[] }
  | { do: 'shards'; weight: number }
  /** The bucket is lost; the epoch is raised and placement published anew. */
  | { do: 'wipe' }
  /** The bucket is as it was so many publications ago, until the next publication makes it anew. */
  | { do: 'rollBack'; by: number }
  /** The database is as it was so many changes ago; the epoch is raised above all that were seen. */
  | { do: 'restore'; by: number }
  | { do: 'deliver'; reader: number; message: number }
  /** Reads the marker, and so many of the chunks. */
  | { do: 'look'; reader: number; chunks: number }
  /** Reads the next so many of the chunks that a look still wants. */
  | { do: 'read'; reader: number; chunks: number }
  | { do: 'start'; reader: number };

const readers = [0, 1, 2];
const nat = (max: number) => fc.nat({ max });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      kind: fc.constantFrom(...placedKinds),
      tenant: nat(6),
      shard: nat(3),
      unwritten: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, nat(2)),
      heardBy: fc.subarray([...readers]),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('shards' as const), weight: nat(3) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'wipe' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rollBack' as const), by: nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const), by: nat(4) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('deliver' as const), reader: fc.constantFrom(...readers), message: nat(5) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('look' as const),
      reader: fc.constantFrom(...readers),
      chunks: fc.oneof(nat(3), fc.constant(1000)),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('read' as const), reader: fc.constantFrom(...readers), chunks: nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const), reader: fc.constantFrom(...readers) }) },
);

type Bucket = ReadonlyMap<string, string>;

/** The control plane's side: a database, the bucket, and what was told. */
function installation() {
  let source: PlacementSource = {
    epoch: 1,
    revision: 1,
    maps: { aggregate: new Map(), projection: new Map(), runner: new Map([['tenant-0', 'shard-0']]) },
    shards: [],
  };
  let bucket: Bucket = new Map();
  let stale = false;
  const committed: PlacementSource[] = [];
  const buckets: Bucket[] = [];
  const told: Uint8Array[] = [];
  /** What each version that may be in a bucket says. */
  const meant = new Map<string, PlacementSource>();

  function held(): Held {
    const marker = bucket.get(markerKey);
    const chunks = [...(marker === undefined ? [] : decodeMarker(Buffer.from(marker)).chunks)];
    return new Map(
      chunks.map(([key, hash]): [string, HeldChunk] => {
        const described = readChunkKey(key);
        const value = Buffer.from(bucket.get(key) ?? '');
        if (described === undefined || shortSha256(value) !== hash) throw new Error(`${key} is not what the marker says`);
        return [described.name, { slot: described.slot, hash, entries: readEntries(described.what, value) }];
      }),
    );
  }

  function publish(unwritten = 0): void {
    if (stale) bucket = new Map();
    stale = false;
    meant.set(`${source.epoch}/${source.revision}`, source);
    const before = held();
    const oldMarker = bucket.get(markerKey);
    const publication = planPublication(before, source);
    const writes = [...publication.chunks, publication.marker];
    const next = new Map(bucket);
    for (const { key, value } of writes.slice(0, writes.length - unwritten)) next.set(key, value);
    bucket = next;
    if (unwritten > 0) return;
    buckets.push(bucket);
    const changes = oldMarker === undefined ? undefined : changesOf(before, publication);
    const from = oldMarker === undefined ? undefined : { ...decodeMarker(Buffer.from(oldMarker)), marker: shortSha256(oldMarker) };
    const base = from === undefined || changes === undefined ? undefined : { from, changes };
    const { epoch, revision } = source;
    told.push(Buffer.from(JSON.stringify(incrementJson({ epoch, revision, marker: shortSha256(publication.marker.value), base }))));
  }

  function commit(next: Partial<PlacementSource>): void {
    committed.push(source);
    source = { ...source, ...next };
  }

  publish();
  return {
    meant,
    told,
    bucket: () => bucket,
    source: () => source,
    publish,
    change({ kind, tenant, shard, unwritten }: Extract<Action, { do: 'change' }>) {
      const map = new Map(source.maps[kind]);
      if (shard === 0) map.delete(`tenant-${tenant}`);
      else map.set(`tenant-${tenant}`, `shard-${shard}`);
      commit({ revision: source.revision + 1, maps: { ...source.maps, [kind]: map } });
      publish(unwritten);
    },
    shards(weight: number) {
      const shard = { kind: 'runner', shardId: 'shard-1', endpoints: [], weight, labels: {}, state: 'active' } as const;
      commit({ revision: source.revision + 1, shards: weight === 0 ? [] : [shard] });
      publish();
    },
    wipe() {
      bucket = new Map();
      commit({ epoch: source.epoch + 1 });
      publish();
    },
    rollBack(by: number) {
      bucket = buckets.at(-1 - by) ?? new Map();
      stale = true;
    },
    restore(by: number) {
      const highest = Math.max(source.epoch, ...committed.map(({ epoch }) => epoch));
      commit({ ...(committed.at(-1 - by) ?? source), epoch: highest + 1 });
      publish();
    },
  };
}

/** One reader, as libs/placement-reader's watch drives its assembler. */
function reader(bucket: () => Bucket) {
  let assembler = createAssembler();
  let wanted: string[] = [];
  const seen = (snapshot: PlacementSnapshot | undefined) => (snapshot === undefined ? [] : [snapshot]);
  const read = (key: string) => {
    const value = bucket().get(key);
    return seen(value === undefined ? undefined : assembler.take(key, Buffer.from(value)));
  };
  return {
    current: () => assembler.current(),
    start() {
      assembler = createAssembler();
      wanted = [];
    },
    deliver(message: Uint8Array): PlacementSnapshot[] {
      const outcome = assembler.advance(decodeIncrement(message));
      return typeof outcome === 'string' ? [] : [outcome];
    },
    look(): PlacementSnapshot[] {
      assembler.forget();
      const snapshots = read(markerKey);
      wanted = assembler.missing();
      return snapshots;
    },
    read: (chunks: number): PlacementSnapshot[] => wanted.splice(0, chunks).flatMap(read),
  };
}

const contentOf = (kind: PlacedKind, from: PlacementSnapshot | PlacementSource) =>
  [...('maps' in from ? from.maps[kind] : from.assignments(kind))].sort();

function expectMeant(snapshot: PlacementSnapshot, meant: PlacementSource | undefined): void {
  for (const kind of placedKinds) expect(contentOf(kind, snapshot)).toEqual(meant === undefined ? undefined : contentOf(kind, meant));
  expect(snapshot.shards).toEqual(meant?.shards);
}

/** Plays a history; answers how many snapshots increments alone have made. */
function play(actions: readonly Action[]): number {
  const world = installation();
  const all = readers.map(() => reader(world.bucket));
  const shown = all.map((): PlacementSnapshot | undefined => undefined);
  let advanced = 0;
  const take = (index: number, snapshots: readonly PlacementSnapshot[]) => {
    for (const snapshot of snapshots) {
      const before = shown[index];
      if (before !== undefined) expect(compareVersions(snapshot, before)).toBeGreaterThan(0);
      shown[index] = snapshot;
      expectMeant(snapshot, world.meant.get(`${snapshot.epoch}/${snapshot.revision}`));
    }
    return snapshots.length;
  };
  for (const action of actions) {
    const one = 'reader' in action ? all[action.reader] : undefined;
    const index = 'reader' in action ? action.reader : 0;
    if (action.do === 'change') world.change(action);
    if (action.do === 'shards') world.shards(action.weight);
    if (action.do === 'wipe') world.wipe();
    if (action.do === 'rollBack') world.rollBack(action.by);
    if (action.do === 'restore') world.restore(action.by);
    if (action.do === 'start') {
      one?.start();
      shown[index] = undefined;
    }
    const message = world.told.at(action.do === 'deliver' ? -1 - action.message : -1);
    const hearing = action.do === 'deliver' ? [action.reader] : action.do === 'change' && action.unwritten === 0 ? action.heardBy : [];
    for (const at of message === undefined ? [] : hearing) advanced += take(at, all[at]?.deliver(message ?? Buffer.of()) ?? []);
    if (action.do === 'look') take(index, one?.look() ?? []);
    if (action.do === 'read' || action.do === 'look') take(index, one?.read(action.chunks) ?? []);
  }
  // Whatever happened: one publication and one look later everybody has it.
  world.publish();
  all.forEach((one, index) => {
    take(index, one.look());
    take(index, one.read(Infinity));
    const { epoch, revision } = world.source();
    expect(one.current()).toMatchObject({ epoch, revision });
  });
  return advanced;
}

describe('readers over whole histories', () => {
  it('never show a mixed or an older state, and get to the last one', () => {
    let advanced = 0;
    fc.assert(
      fc.property(fc.array(action, { minLength: 30, maxLength: 80 }), (actions) => {
        advanced += play(actions);
      }),
      { seed: 20_261_122, numRuns: 400 },
    );
    // It is no proof of increments if they seldom fit.
    expect(advanced).toBeGreaterThan(200);
  });

  it('go from state to state by increments alone when they hear all of them', () => {
    const changes = fc.array(fc.record({ kind: fc.constantFrom(...placedKinds), tenant: nat(6), shard: nat(3), weight: nat(9) }), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(changes, (list) => {
        const world = installation();
        const one = reader(world.bucket);
        one.look();
        one.read(Infinity);
        for (const { weight, ...change } of list) {
          if (weight < 2) world.shards(weight);
          else world.change({ do: 'change', ...change, unwritten: 0, heardBy: [] });
          const message = world.told.at(-1);
          expect(message && one.deliver(message)).toHaveLength(1);
          const snapshot = one.current();
          if (snapshot !== undefined) expectMeant(snapshot, world.source());
        }
      }),
      { seed: 20_261_122, numRuns: 200 },
    );
  });
});
