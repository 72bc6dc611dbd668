/** docs/placement-vectors.json: what our publisher writes, and what a reader makes of it. UPDATE_GOLDEN=1 writes it, prettier formats it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { placedKinds } from '@fairlead/contracts';
import { createAssembler, type PlacementSnapshot, type PlacementSource, type ShardEntry } from '@fairlead/placement-reader';
import {
  decodeIncrement,
  fnv1a,
  incrementJson,
  shardChunkOf,
  shortSha256,
  tenantChunkOf,
  type MarkedVersion,
} from '@fairlead/placement-reader/format';
import { changesOf, planPublication, type Held } from './publication.js';

const file = join(import.meta.dirname, '../../../docs/placement-vectors.json');

interface Step {
  what: string;
  /** What is written, in this order; before it the bucket is emptied when it is made anew. */
  anew: boolean;
  writes: { key: string; value: string; hash: string }[];
  increment: object;
  snapshot: object;
}

interface Vectors {
  ids: { id: string; fnv1a: number; tenant_chunk: number; shard_chunk: number }[];
  history: Step[];
  /** Not to be used by who shows the state after so many steps. */
  refused: { why: string; after_steps: number; increment: object }[];
}

const shard = (shardId: string, weight: number): ShardEntry => ({
  kind: 'aggregate',
  shardId,
  endpoints: [{ endpointId: 'one', url: 'http://10.0.0.1:8080' }],
  weight,
  labels: { zone: 'a' },
  state: 'active',
});
const source = (epoch: number, revision: number, aggregate: Record<string, string>, weight: number): PlacementSource => ({
  epoch,
  revision,
  maps: { aggregate: new Map(Object.entries(aggregate)), projection: new Map(), runner: new Map([['acme', 'runner-1']]) },
  shards: [shard('aggregate-1', 1), shard('aggregate-2', weight)],
});

/** `7`, which looks like a number, and `tenant-19` stand in one chunk. */
const story: { what: string; anew?: true; source: PlacementSource }[] = [
  { what: 'the first publication', source: source(1, 1, { acme: 'aggregate-1', globex: 'aggregate-1', 'tenant-19': 'aggregate-1' }, 1) },
  {
    what: 'acme moves',
    source: source(1, 2, { acme: 'aggregate-2', globex: 'aggregate-1', 'tenant-19': 'aggregate-1' }, 1),
  },
  {
    what: 'globex goes, 7 comes, four revisions at once',
    source: source(1, 6, { acme: 'aggregate-2', 'tenant-19': 'aggregate-1', '7': 'aggregate-2' }, 1),
  },
  { what: 'a shard gets another weight', source: source(1, 7, { acme: 'aggregate-2', 'tenant-19': 'aggregate-1', '7': 'aggregate-2' }, 5) },
  {
    what: 'the bucket was lost: the epoch is raised, the same placement published anew',
    anew: true,
    source: source(2, 7, { acme: 'aggregate-2', 'tenant-19': 'aggregate-1', '7': 'aggregate-2' }, 5),
  },
];

function snapshotJson(snapshot: PlacementSnapshot): object {
  const maps = placedKinds.map((kind) => [
    `${kind}_placement`,
    Object.fromEntries([...snapshot.assignments(kind)].sort(([a], [b]) => (a < b ? -1 : 1))),
  ]);
  const shards = snapshot.shards.map(({ kind, shardId, weight }) => ({ kind, shard_id: shardId, weight }));
  return { epoch: snapshot.epoch, revision: snapshot.revision, ...(Object.fromEntries(maps) as object), shards };
}

/** The vectors as our publisher and our reader make them. */
function makeVectors(): Vectors {
  const ids = ['', 'a', 'foobar', 'acme', 'globex', 'tenant-19', '7', 'é'].map((id) => ({
    id,
    fnv1a: fnv1a(id),
    tenant_chunk: tenantChunkOf(id),
    shard_chunk: shardChunkOf(id),
  }));
  let held: Held = new Map();
  let last: MarkedVersion | undefined;
  const reader = createAssembler();
  const history = story.map(({ what, anew, source }): Step => {
    if (anew) [held, last] = [new Map(), undefined];
    const publication = planPublication(held, source);
    const { epoch, revision } = source;
    const marked = { epoch, revision, marker: shortSha256(publication.marker.value) };
    const changes = changesOf(held, publication);
    const base = last === undefined || changes === undefined ? undefined : { from: last, changes };
    [held, last] = [publication.held, marked];
    const writes = [...publication.chunks, publication.marker].map(({ key, value }) => ({ key, value, hash: shortSha256(value) }));
    for (const { key, value } of writes) reader.take(key, Buffer.from(value));
    const snapshot = reader.current();
    if (snapshot === undefined) throw new Error('there is no snapshot');
    return { what, anew: anew === true, writes, increment: incrementJson({ ...marked, base }), snapshot: snapshotJson(snapshot) };
  });
  return { ids, history, refused: refusedOf(history.map(({ increment }) => increment)) };
}

function refusedOf(increments: readonly object[]): Vectors['refused'] {
  const [, move, change] = increments.map((increment) => JSON.stringify(increment));
  const altered = (text: string | undefined, from: string, to: string) => {
    if (text?.includes(from) !== true) throw new Error(`there is no ${from}`);
    return JSON.parse(text.replace(from, to)) as object;
  };
  const wrongMarker = JSON.parse(move ?? '') as { from: { marker: string } };
  wrongMarker.from.marker = '0123456789abcdef';
  return [
    {
      why: 'a seat is not the one that the hash is of',
      after_steps: 1,
      increment: altered(move, '"acme":"aggregate-2"', '"acme":"aggregate-9"'),
    },
    { why: 'it begins at another state of the same version', after_steps: 1, increment: wrongMarker },
    { why: 'one before it was missed', after_steps: 1, increment: increments[2] ?? {} },
    { why: 'it is not newer', after_steps: 3, increment: increments[1] ?? {} },
    {
      why: 'the chunk has a value of another hash',
      after_steps: 3,
      increment: altered(JSON.stringify(increments[3]), '\\"weight\\":5', '\\"weight\\":6'),
    },
    {
      why: 'it tells no changes',
      after_steps: 2,
      increment: { ...(JSON.parse(change ?? '') as object), from: undefined, chunks: undefined, gone: undefined },
    },
  ];
}

const bytesOf = (value: object) => Buffer.from(JSON.stringify(value));

describe('the test vectors of the protocol', () => {
  const made = JSON.stringify(makeVectors(), null, 2);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, made);
  const vectors = JSON.parse(existsSync(file) ? readFileSync(file, 'utf8') : '{}') as Vectors;

  it('are what our publisher writes', () => {
    expect(vectors).toEqual(JSON.parse(made));
  });

  it('give their snapshots to who reads the bucket, at every step', () => {
    let bucket = new Map<string, string>();
    for (const { anew, writes, snapshot } of vectors.history) {
      if (anew) bucket = new Map();
      for (const { key, value, hash } of writes) {
        expect(shortSha256(value)).toBe(hash);
        bucket.set(key, value);
      }
      const reader = createAssembler();
      for (const [key, value] of bucket) reader.take(key, Buffer.from(value));
      const read = reader.current();
      expect(read && snapshotJson(read)).toEqual(snapshot);
    }
  });

  it('give their snapshots to who hears the increments, and none to who gets one that is refused', () => {
    const refused = vectors.refused.slice();
    const reader = createAssembler();
    vectors.history.forEach(({ writes, increment, snapshot, anew }, index) => {
      const outcome = reader.advance(decodeIncrement(bytesOf(increment)));
      if (index === 0 || anew) {
        expect(outcome).toBe('missed');
        for (const { key, value } of writes) reader.take(key, Buffer.from(value));
      }
      const read = reader.current();
      expect(read && snapshotJson(read)).toEqual(snapshot);
      for (const one of refused.filter(({ after_steps: steps }) => steps === index + 1)) {
        expect([one.why, reader.advance(decodeIncrement(bytesOf(one.increment)))]).toEqual([
          one.why,
          expect.stringMatching(/^(old|missed)$/),
        ]);
        expect(reader.current()).toBe(read);
      }
    });
    expect(refused.length).toBeGreaterThan(5);
  });
});
