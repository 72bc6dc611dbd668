import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { placedKinds, serviceKinds, type PlacedKind } from '@fairlead/contracts';
import { createAssembler, type PlacementSnapshot } from '@fairlead/placement-reader';
import { compareShards, fnv1a, maxValueBytes, shortSha256, type PlacementSource, type ShardEntry } from '@fairlead/placement-reader/format';
import { changesOf, planPublication, type Held, type Publication, type Write } from './publication.js';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', '7', '', 'acme', 'globex'),
);
const tenantMap = fc
  .dictionary(anyText, anyText, { maxKeys: 12, noNullPrototype: false })
  .map((entries) => new Map(Object.entries(entries)));
const shardEntry: fc.Arbitrary<ShardEntry> = fc.record({
  kind: fc.constantFrom(...serviceKinds),
  shardId: anyText,
  endpoints: fc.array(fc.record({ endpointId: anyText, url: anyText }), { maxLength: 3 }),
  weight: fc.integer({ min: 0, max: 1000 }),
  labels: fc
    .dictionary(anyText, anyText, { maxKeys: 3, noNullPrototype: true })
    .map((labels) => Object.fromEntries(Object.entries(labels))),
  state: anyText,
});
const documentContent = fc.record({
  maps: fc.record({ aggregate: tenantMap, projection: tenantMap, runner: tenantMap }),
  shards: fc.uniqueArray(shardEntry, { maxLength: 6, selector: (shard) => `${shard.kind}/${shard.shardId}` }),
});
type Content = Pick<PlacementSource, 'maps' | 'shards'>;

/** Documents of growing revision, each a change of a few tenants or a whole new one. */
const history = fc
  .tuple(
    documentContent,
    fc.array(fc.oneof(documentContent, fc.record({ kind: fc.constantFrom(...placedKinds), tenant: anyText, shard: fc.option(anyText) })), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([first, changes]) => {
    const contents: Content[] = [first];
    for (const change of changes) contents.push('maps' in change ? change : moved(contents.at(-1) ?? first, change));
    return contents.map((content, index): PlacementSource => ({ ...content, epoch: 1, revision: index + 1 }));
  });

function moved(content: Content, change: { kind: PlacedKind; tenant: string; shard: string | null }): Content {
  const map = new Map(content.maps[change.kind]);
  if (change.shard === null) map.delete(change.tenant);
  else map.set(change.tenant, change.shard);
  return { ...content, maps: { ...content.maps, [change.kind]: map } };
}

/** The writes of each document, published one after another. */
function publishAll(documents: readonly PlacementSource[]): { document: PlacementSource; writes: Write[]; chunks: number }[] {
  let held: Held = new Map();
  return documents.map((document) => {
    const publication = planPublication(held, document);
    held = publication.held;
    return { document, writes: [...publication.chunks, publication.marker], chunks: publication.chunks.length };
  });
}

/** A bucket with history 1: of each key the last value, in the order of writing. */
function lastPerKey(writes: readonly Write[]): Write[] {
  return [...new Map(writes.map((write, sequence) => [write.key, { write, sequence }])).values()]
    .sort((left, right) => left.sequence - right.sequence)
    .map(({ write }) => write);
}

const take = (assembler: ReturnType<typeof createAssembler>, write: Write) => assembler.take(write.key, Buffer.from(write.value));

function expectSame(snapshot: PlacementSnapshot | undefined, document: PlacementSource): void {
  expect(snapshot).toMatchObject({ epoch: document.epoch, revision: document.revision });
  for (const kind of placedKinds) {
    expect(snapshot?.tenants(kind)).toBe(document.maps[kind].size);
    for (const [tenant, shard] of document.maps[kind]) expect(snapshot?.shardOf(kind, tenant)).toBe(shard);
  }
  expect(snapshot?.shards).toEqual([...document.shards].sort(compareShards));
  for (const shard of document.shards) expect(snapshot?.shard(shard.kind, shard.shardId)).toEqual(shard);
}

describe('placement in chunks', () => {
  it('gives back any document', () => {
    fc.assert(
      fc.property(documentContent, (content) => {
        const document = { ...content, epoch: 3, revision: 9 };
        const assembler = createAssembler();
        for (const { writes } of publishAll([document])) for (const write of writes) take(assembler, write);
        expectSame(assembler.current(), document);
        expect(assembler.current()?.shardOf('runner', 'no such tenant, surely')).toBeUndefined();
      }),
    );
  });

  it('writes only chunks that changed, and the marker', () => {
    fc.assert(
      fc.property(history, (documents) => {
        const published = publishAll(documents);
        published.forEach(({ document, writes, chunks }, index) => {
          const fresh = publishAll([document])[0]?.writes ?? [];
          const before = publishAll(documents.slice(index - 1, index))[0]?.writes ?? [];
          const entries = (list: readonly Write[]) =>
            new Map(list.slice(0, -1).map((write) => [write.key, write.value.replace(/^.*?"entries":/, '')]));
          const [now, then] = [entries(fresh), entries(before)];
          expect(chunks).toBe([...now].filter(([key, value]) => then.get(key) !== value).length);
          expect(writes.at(-1)?.key).toBe('marker');
        });
      }),
    );
  });

  it('moves one tenant of twenty in one chunk', () => {
    const tenants = Array.from({ length: 20 }, (_, index) => `tenant-${index}`);
    const maps = (shard: string) => {
      const map = new Map(tenants.map((tenant) => [tenant, 'shard-1']));
      map.set('tenant-7', shard);
      return { aggregate: map, projection: new Map(map), runner: new Map(tenants.map((tenant) => [tenant, 'shard-1'])) };
    };
    const [first, second] = publishAll([
      { epoch: 1, revision: 1, maps: maps('shard-1'), shards: [] },
      { epoch: 1, revision: 2, maps: maps('shard-2'), shards: [] },
    ]);
    expect(first?.chunks).toBeGreaterThan(30);
    expect(second?.writes.map((write) => write.key.replace(/\d+\.[ab]$/, ''))).toEqual([
      'tenants.aggregate.',
      'tenants.projection.',
      'marker',
    ]);
  });

  it('never shows a mixed or older state, in whatever order and however often deliveries come', () => {
    const shuffled = history.chain((documents) => {
      const published = publishAll(documents);
      const all = published.flatMap(({ writes }) => writes);
      const indexes = all.map((_, index) => index);
      const order = fc.oneof(
        fc.shuffledSubarray(indexes),
        fc.subarray(indexes),
        fc.array(fc.nat({ max: all.length - 1 }), { maxLength: all.length * 2 }),
      );
      return fc.record({ documents: fc.constant(documents), all: fc.constant(all), order });
    });
    fc.assert(
      fc.property(shuffled, ({ documents, all, order }) => {
        const assembler = createAssembler();
        let shown = 0;
        for (const index of order) {
          const write = all[index];
          const snapshot = write && take(assembler, write);
          if (snapshot === undefined) continue;
          expect(snapshot.revision).toBeGreaterThan(shown);
          shown = snapshot.revision;
          const document = documents[shown - 1];
          if (document !== undefined) expectSame(snapshot, document);
        }
        // The bucket's last state, delivered in order, always gets there.
        for (const write of lastPerKey(all)) take(assembler, write);
        const last = documents.at(-1);
        if (last !== undefined) expectSame(assembler.current(), last);
      }),
      { numRuns: 300 },
    );
  });

  it('lets a new reader have the last committed state at every moment, also when a publication broke off', () => {
    fc.assert(
      fc.property(history, (documents) => {
        const published = publishAll(documents);
        const written: Write[] = [];
        let committed: PlacementSource | undefined;
        for (const { document, writes } of published) {
          for (const write of writes) {
            written.push(write);
            if (write.key === 'marker') committed = document;
            const reader = createAssembler();
            for (const delivered of lastPerKey(written)) take(reader, delivered);
            if (committed === undefined) expect(reader.current()).toBeUndefined();
            else expectSame(reader.current(), committed);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('ignores a lower epoch whatever its revision, and takes a higher one', () => {
    const at = (epoch: number, revision: number, shard: string): PlacementSource => ({
      epoch,
      revision,
      shards: [],
      maps: { aggregate: new Map([['acme', shard]]), projection: new Map(), runner: new Map() },
    });
    const assembler = createAssembler();
    const show = (source: PlacementSource) => {
      for (const { writes } of publishAll([source])) for (const write of writes) take(assembler, write);
      return assembler.current()?.shardOf('aggregate', 'acme');
    };
    expect(show(at(2, 5, 'current'))).toBe('current');
    expect(show(at(1, 900, 'rolled-back'))).toBe('current');
    expect(show(at(2, 4, 'older'))).toBe('current');
    assembler.forget();
    expect(show(at(2, 5, 'repeated'))).toBe('current');
    expect(show(at(3, 1, 'restored'))).toBe('restored');
  });

  it('goes on from a repair of the version that it shows, and shows nothing anew for it', () => {
    const maps = { aggregate: new Map([['acme', 's1']]), projection: new Map(), runner: new Map([['acme', 's1']]) };
    const document: PlacementSource = { epoch: 1, revision: 2, shards: [], maps };
    const next: PlacementSource = {
      ...moved(document, { kind: 'aggregate', tenant: 'acme', shard: 's2' }),
      epoch: 1,
      revision: 3,
    };
    // Runner's chunk is of an earlier revision; written anew it bears this one.
    const first = planPublication(new Map(), { ...document, revision: 1, maps: { ...maps, aggregate: new Map() } });
    const second = planPublication(first.held, document);
    const damaged = new Map(
      [...second.held].map(([name, chunk]) => [name, name.startsWith('tenants.runner') ? { ...chunk, entries: undefined } : chunk]),
    );
    const repair = planPublication(damaged, document);
    const third = planPublication(repair.held, next);
    const assembler = createAssembler();
    const write = (publication: Publication) => [...publication.chunks, publication.marker].map((one) => take(assembler, one));
    for (const publication of [first, second]) write(publication);
    const shown = assembler.current();
    const marked = ({ marker }: Publication, revision: number) => ({ epoch: 1, revision, marker: shortSha256(marker.value) });
    expect(assembler.advance({ ...marked(second, 2), base: undefined })).toBe('same');
    // The marker first, as a look reads it: it is waited for, then told of nothing.
    expect(take(assembler, repair.marker)).toBeUndefined();
    expect(assembler.missing()).toEqual(repair.chunks.map(({ key }) => key));
    expect(write(repair)).toEqual([undefined, undefined]);
    expect([assembler.missing(), assembler.isShown(Buffer.from(repair.marker.value)), assembler.current() === shown]).toEqual([
      [],
      true,
      true,
    ]);
    expect(assembler.advance({ ...marked(repair, 2), base: undefined })).toBe('same');
    expect(assembler.advance({ ...marked(second, 2), base: undefined })).toBe('old');
    const changes = changesOf(repair.held, third);
    if (changes === undefined) throw new Error('there are no changes');
    assembler.advance({ ...marked(third, 3), base: { from: marked(repair, 2), changes } });
    expect(assembler.current()?.shardOf('aggregate', 'acme')).toBe('s2');
  });

  it('keeps what it shows when a value is malformed, and goes on with the next marker', () => {
    const document: PlacementSource = {
      epoch: 1,
      revision: 1,
      shards: [],
      maps: { aggregate: new Map([['acme', 's1']]), projection: new Map(), runner: new Map() },
    };
    const assembler = createAssembler();
    const [first, second] = publishAll([
      document,
      { ...moved(document, { kind: 'aggregate', tenant: 'acme', shard: 's2' }), epoch: 1, revision: 2 },
    ]);
    for (const write of first?.writes ?? []) take(assembler, write);
    for (const value of [
      '',
      '{',
      '[]',
      '{"format":2,"epoch":1,"revision":9,"chunks":{}}',
      '{"format":1,"epoch":"1","revision":9,"chunks":{}}',
    ]) {
      expect(() => take(assembler, { key: 'marker', value })).toThrow();
    }
    expect(take(assembler, { key: 'unknown.key', value: '{' })).toBeUndefined();
    expect(assembler.current()?.shardOf('aggregate', 'acme')).toBe('s1');
    for (const write of second?.writes ?? []) take(assembler, write);
    expect(assembler.current()?.shardOf('aggregate', 'acme')).toBe('s2');
  });
});

describe('sizes', () => {
  const label = 'a'.repeat(40);
  const many = (count: number): PlacementSource => {
    const map = new Map(Array.from({ length: count }, (_, index) => [`${label}-${index}`, `${label}-shard-${index % 900}`]));
    return {
      epoch: 1,
      revision: 1,
      maps: { aggregate: map, projection: map, runner: map },
      shards: Array.from({ length: 900 }, (_, index) => ({
        kind: 'runner',
        shardId: `${label}-shard-${index}`,
        endpoints: [{ endpointId: 'one', url: 'http://10.0.0.1:8080' }],
        weight: 1,
        labels: { zone: 'a' },
        state: 'active',
      })),
    };
  };

  it('keeps every value of 50,000 long-named tenants below 512 KiB, and reads them back', () => {
    const document = many(50_000);
    const assembler = createAssembler();
    for (const { writes } of publishAll([document])) {
      expect(Math.max(...writes.map((write) => Buffer.byteLength(write.value)))).toBeLessThan(512 * 1024);
      for (const write of writes) take(assembler, write);
    }
    const snapshot = assembler.current();
    expect(placedKinds.map((kind) => snapshot?.tenants(kind))).toEqual([50_000, 50_000, 50_000]);
    expect(snapshot?.shardOf('projection', `${label}-49999`)).toBe(`${label}-shard-${49_999 % 900}`);
    expect(snapshot?.shards).toHaveLength(900);
  });

  it('refuses a value that would reach the limit', () => {
    const document: PlacementSource = {
      epoch: 1,
      revision: 1,
      shards: [],
      maps: { aggregate: new Map([['acme', 'x'.repeat(maxValueBytes)]]), projection: new Map(), runner: new Map() },
    };
    expect(() => planPublication(new Map(), document)).toThrow(expect.objectContaining({ code: 'too_large' }));
  });
});

describe('the hash that spreads tenants', () => {
  it('is FNV-1a over UTF-8', () => {
    // Published test vectors.
    expect([fnv1a(''), fnv1a('a'), fnv1a('foobar')]).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
    // Two bytes in UTF-8: the slow way gives what the definition says.
    expect(fnv1a('é')).toBe(Math.imul(Math.imul(0x811c9dc5 ^ 0xc3, 0x01000193) ^ 0xa9, 0x01000193) >>> 0);
  });
});
