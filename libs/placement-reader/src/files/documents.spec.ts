import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairleadError, placedKinds, serviceKinds } from '@fairlead/contracts';
import { compareShards, type PlacementSource, type ShardEntry } from '../format/index.js';
import { placementText, routingText } from './documents.js';
import { parsePlacementFiles } from './read.js';

const name = fc.oneof(fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/), fc.constantFrom('constructor', '7', 'a'.repeat(63)));
const shard = fc.record({
  endpoints: fc.array(fc.record({ endpointId: name, url: fc.webUrl({ validSchemes: ['http', 'https'] }) }), { maxLength: 3 }),
  weight: fc.integer({ min: 1, max: 10_000 }),
  labels: fc.dictionary(name, fc.string({ unit: 'binary', maxLength: 8 }), { maxKeys: 3, noNullPrototype: true }),
  state: fc.constantFrom('active', 'cordoned'),
});
const shardsOf = (kind: ShardEntry['kind'], shortest: number) =>
  fc
    .uniqueArray(fc.tuple(name, shard), { minLength: shortest, maxLength: 4, selector: ([shardId]) => shardId })
    .map((entries) => entries.map(([shardId, entry]): ShardEntry => ({ ...entry, kind, shardId })));

/** A placement whose tenants are all on shards that there are. */
const source: fc.Arbitrary<PlacementSource> = fc
  .record({
    epoch: fc.nat(),
    revision: fc.nat(),
    shards: fc.tuple(...serviceKinds.map((kind) => shardsOf(kind, 1))).map((lists) => lists.flat()),
    seats: fc.tuple(...placedKinds.map(() => fc.uniqueArray(fc.tuple(name, fc.nat()), { maxLength: 8, selector: ([tenant]) => tenant }))),
  })
  .map(({ epoch, revision, shards, seats }) => {
    const map = (index: number) => {
      const places = shards.filter(({ kind }) => kind === placedKinds[index]);
      return new Map((seats[index] ?? []).map(([tenant, pick]) => [tenant, places[pick % places.length]?.shardId ?? '']));
    };
    return { epoch, revision, shards, maps: { aggregate: map(0), projection: map(1), runner: map(2) } };
  });

const textsOf = (from: PlacementSource) => ({ placement: [...placementText(from)].join(''), routing: [...routingText(from)].join('') });
const read = (texts: { placement: string | Buffer; routing: string | Buffer }) =>
  parsePlacementFiles('dir', { placement: { bytes: Buffer.from(texts.placement) }, routing: { bytes: Buffer.from(texts.routing) } });

function refusalOf(texts: { placement: string | Buffer; routing: string | Buffer }): FairleadError {
  try {
    read(texts);
  } catch (error) {
    if (error instanceof FairleadError) return error;
    throw error;
  }
  throw new Error('the documents were taken');
}

const example: PlacementSource = {
  epoch: 3,
  revision: 14,
  maps: {
    aggregate: new Map([
      ['acme', 'aggregate-1'],
      ['globex', 'aggregate-1'],
    ]),
    projection: new Map(),
    runner: new Map([['acme', 'runner-1']]),
  },
  shards: (['gateway', 'aggregate', 'runner'] as const).map((kind) => ({
    kind,
    shardId: `${kind}-1`,
    endpoints: [{ endpointId: 'e1', url: 'http://127.0.0.1:7500' }],
    weight: 1,
    labels: {},
    state: 'active',
  })),
};
const texts = textsOf(example);

describe('placement documents', () => {
  it('are read as they were written, whatever they hold', () => {
    fc.assert(
      fc.property(source, (written) => {
        const { shards, ...rest } = read(textsOf(written));
        expect({ ...rest, shards: [...shards].sort(compareShards) }).toEqual({
          ...written,
          shards: [...written.shards].sort(compareShards),
        });
      }),
    );
  });

  it('are laid out for people', () => {
    expect(texts.placement).toBe(`{
  "epoch": 3,
  "revision": 14,
  "aggregate_placement": {
    "acme": { "shard": "aggregate-1" },
    "globex": { "shard": "aggregate-1" }
  },
  "projection_placement": {},
  "runner_placement": {
    "acme": { "shard": "runner-1" }
  }
}
`);
    expect(texts.routing.split('\n').slice(0, 18).join('\n')).toBe(`{
  "epoch": 3,
  "revision": 14,
  "shards": {
    "gateway": {
      "gateway-1": {
        "endpoints": [
          {
            "endpoint_id": "e1",
            "url": "http://127.0.0.1:7500"
          }
        ],
        "weight": 1,
        "labels": {},
        "state": "active"
      }
    },
    "aggregate": {`);
  });

  it('are never taken when they end too early, and the line is the last', () => {
    fc.assert(
      fc.property(source, fc.boolean(), fc.nat(), (written, first, where) => {
        const whole = textsOf(written);
        const file = first ? 'placement' : 'routing';
        // Without the line feed at the end it is still whole.
        const cut = whole[file].slice(0, where % (whole[file].length - 1));
        const { code, details } = refusalOf({ ...whole, [file]: cut });
        expect([code, details]).toEqual(['invalid_argument', expect.objectContaining({ file: `dir/${file}/dev.json` })]);
        const { line } = details as { line: number };
        expect(line).toBe(cut.split('\n').length);
      }),
    );
  });

  it('are never taken with one wrong value, and the line is named', () => {
    fc.assert(
      fc.property(
        source,
        fc.boolean(),
        fc.nat(),
        fc.constantFrom('@', 'null', '-1', '[]', '{"x": 1}', '"Not A Name"', '1.5'),
        (written, first, where, wrong) => {
          const whole = textsOf(written);
          const file = first ? 'placement' : 'routing';
          // Behind a member's name, up to the end of a line with a whole value; a label (10 spaces) may be any text.
          const values = [...whole[file].matchAll(/^(?! {10}") *"[^"\n]+": ([^\n]*?[^[{,\n]|\{[^\n]+\}),?$/gm)].filter(
            ([, value]) => value !== '{}',
          );
          const hit = values[where % values.length];
          if (hit?.[1] === undefined) throw new Error('every document has values');
          fc.pre(hit[1] !== wrong);
          const at = hit.index + hit[0].indexOf(': ') + 2;
          const changed = whole[file].slice(0, at) + wrong + whole[file].slice(at + hit[1].length);
          const { code, details } = refusalOf({ ...whole, [file]: changed });
          expect([code, details]).toEqual([
            'invalid_argument',
            expect.objectContaining({ file: `dir/${file}/dev.json`, line: changed.slice(0, at).split('\n').length }),
          ]);
        },
      ),
    );
  });

  const replaced = (file: 'placement' | 'routing', from: string, to: string) => ({ ...texts, [file]: texts[file].replace(from, to) });

  it.each([
    [
      'a shard that routing does not have',
      replaced('placement', '"shard": "runner-1"', '"shard": "runner-9"'),
      'placement/dev.json:10:15: /runner_placement/acme/shard: dir/routing/dev.json has no runner shard runner-9',
    ],
    [
      'a misspelt member',
      replaced('routing', '"weight"', '"wieght"'),
      'routing/dev.json:13:9: /shards/gateway/gateway-1/wieght: is not known here',
    ],
    [
      'a missing member',
      replaced('placement', '{ "shard": "runner-1" }', '{}'),
      'placement/dev.json:10:5: /runner_placement/acme/shard: is missing',
    ],
    [
      'a missing kind',
      replaced('placement', '  "projection_placement": {},\n', ''),
      'placement/dev.json:1:1: /projection_placement: is missing',
    ],
    ['a tenant twice', replaced('placement', '"globex"', '"acme"'), 'placement/dev.json:6:5: "acme" stands twice'],
    [
      'a tenant that is no name',
      replaced('placement', '"globex"', '"Globex Inc"'),
      'placement/dev.json:6:5: /aggregate_placement/Globex Inc: the name is not up to 63 lower-case letters, digits and inner hyphens',
    ],
    [
      'another scheme',
      replaced('routing', 'http://', 'ftp://'),
      'routing/dev.json:10:13: /shards/gateway/gateway-1/endpoints/0/url: is not an http or https URL without a password',
    ],
    [
      'a list for an object',
      replaced('placement', '"projection_placement": {}', '"projection_placement": []'),
      'placement/dev.json:8:3: /projection_placement: is not an object',
    ],
  ])('are refused with the place: %s', (_what, changed, message) => {
    expect(refusalOf(changed).message).toBe(`dir/${message}`);
  });

  it('do not repeat a password that stands in a URL', () => {
    const { message } = refusalOf(replaced('routing', 'http://', 'http://user:hunter2@'));
    expect(message).toContain('routing/dev.json:10:13');
    expect(message).not.toContain('hunter2');
  });

  it('are refused when they are not UTF-8', () => {
    const bytes = Buffer.from(texts.placement);
    bytes[texts.placement.indexOf('globex')] = 0xff;
    expect(refusalOf({ ...texts, placement: bytes }).message).toBe('dir/placement/dev.json:6:6: the text is not UTF-8');
  });

  it('belong together only at one version', () => {
    const error = refusalOf({ ...texts, routing: textsOf({ ...example, revision: 15 }).routing });
    expect(error.code).toBe('revision_mismatch');
    expect(error.message).toBe(
      'dir/placement/dev.json (epoch 3, revision 14) and dir/routing/dev.json (epoch 3, revision 15) are not of one version',
    );
  });
});
