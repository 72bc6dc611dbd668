import { join } from 'node:path';
import { z } from 'zod';
import { namePattern, placedKinds, serviceKinds, type PlacedKind, type ServiceKind } from '@fairlead/contracts';
import { byFirst, type PlacementSource, type ShardEntry } from '../format/index.js';

/*
 * Placement as two JSON documents, with the members of `GET /admin/v1/placement`:
 *
 *   placement/dev.json   {"epoch", "revision", "<kind>_placement": {"<tenant>": {"shard": "<shard>"}}}
 *   routing/dev.json     {"epoch", "revision", "shards": {"<kind>": {"<shard>": {"endpoints": [{"endpoint_id", "url"}], "weight", "labels", "state"}}}}
 *
 * They belong together: one snapshot is made of both.
 */

/** The documents, by what they are called in messages. */
export type DocumentName = 'placement' | 'routing';

/** Where the two files stand below a folder. */
export function placementFiles(dir: string): Record<DocumentName, string> {
  return { placement: join(dir, 'placement', 'dev.json'), routing: join(dir, 'routing', 'dev.json') };
}

const name = z.string('is not a text').regex(namePattern, 'is not up to 63 lower-case letters, digits and inner hyphens');
const counter = z.int('is not a whole number').min(0, 'is below 0');
const version = { epoch: counter, revision: counter };

/** A directory of things by their name. */
const named = <Value extends z.ZodType>(value: Value) => z.record(name, value, 'is not an object');
const object = <Shape extends z.ZodRawShape>(shape: Shape) => z.strictObject(shape, 'is not an object');

/** Who is told where to send tenants' work must not be told a password with it. */
function isEndpointUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '';
}

const seats = named(object({ shard: name, revision: counter.optional() }));

export const placementDocument = object({
  ...version,
  aggregate_placement: seats,
  projection_placement: seats,
  runner_placement: seats,
});

const label = (longest: number) => z.string('is not a text').max(longest, `is longer than ${String(longest)} characters`);
const shard = object({
  endpoints: z.array(
    object({ endpoint_id: name, url: z.string('is not a text').refine(isEndpointUrl, 'is not an http or https URL without a password') }),
    'is not a list',
  ),
  weight: z.int('is not a whole number').min(1, 'is below 1').max(10_000, 'is above 10000').default(1),
  labels: z.record(label(63), label(256), 'is not an object').default({}),
  state: z.enum(['active', 'cordoned'], 'is not active or cordoned').default('active'),
});
const directory = named(shard);

export const routingDocument = object({
  ...version,
  shards: object({ gateway: directory, aggregate: directory, projection: directory, runner: directory }),
});

export type PlacementDocument = z.output<typeof placementDocument>;
export type RoutingDocument = z.output<typeof routingDocument>;

/** What two documents of one version say together. */
export function sourceOf(placement: PlacementDocument, routing: RoutingDocument): PlacementSource {
  const map = (kind: PlacedKind) => new Map(Object.entries(placement[`${kind}_placement`]).map(([tenant, seat]) => [tenant, seat.shard]));
  const shardsOf = (kind: ServiceKind): ShardEntry[] =>
    Object.entries(routing.shards[kind]).map(([shardId, { endpoints, weight, labels, state }]) => ({
      kind,
      shardId,
      endpoints: endpoints.map(({ endpoint_id: endpointId, url }) => ({ endpointId, url })),
      weight,
      labels,
      state,
    }));
  return {
    epoch: placement.epoch,
    revision: placement.revision,
    maps: { aggregate: map('aggregate'), projection: map('projection'), runner: map('runner') },
    shards: serviceKinds.flatMap(shardsOf),
  };
}

/** So many entries are put into words at a time; others get their turn between. */
const entriesPerPart = 2000;

/** The text of the placement document, in parts: one line per tenant, in order. */
export function* placementText(source: PlacementSource): Generator<string> {
  yield head(source);
  for (const kind of placedKinds) {
    const entries = [...source.maps[kind]].sort(byFirst);
    yield* members(`${kind}_placement`, entries, (shardId) => `{ "shard": ${JSON.stringify(shardId)} }`, '  ');
    yield kind === placedKinds.at(-1) ? '\n}\n' : ',\n';
  }
}

/** The text of the routing document, in parts: shards in order. */
export function* routingText(source: PlacementSource): Generator<string> {
  yield `${head(source)}  "shards": {\n`;
  for (const kind of serviceKinds) {
    const entries = source.shards.filter((entry) => entry.kind === kind).map((entry) => [entry.shardId, entry] as const);
    yield* members(kind, entries.sort(byFirst), shardText, '    ');
    yield kind === serviceKinds.at(-1) ? '\n  }\n}\n' : ',\n';
  }
}

const head = ({ epoch, revision }: PlacementSource) => `{\n  "epoch": ${String(epoch)},\n  "revision": ${String(revision)},\n`;

function shardText({ endpoints, weight, labels, state }: ShardEntry): string {
  const entry = {
    endpoints: endpoints.map(({ endpointId, url }) => ({ endpoint_id: endpointId, url })),
    weight,
    labels: Object.fromEntries(Object.entries(labels).sort(byFirst)),
    state,
  };
  return JSON.stringify(entry, null, 2).replaceAll('\n', '\n      ');
}

function* members<Value>(
  title: string,
  entries: readonly (readonly [string, Value])[],
  textOf: (value: Value) => string,
  indent: string,
): Generator<string> {
  yield `${indent}"${title}": {`;
  for (let start = 0; start < entries.length; start += entriesPerPart) {
    const lines = entries
      .slice(start, start + entriesPerPart)
      .map(([key, value]) => `\n${indent}  ${JSON.stringify(key)}: ${textOf(value)}`);
    yield (start === 0 ? '' : ',') + lines.join(',');
  }
  yield entries.length === 0 ? '}' : `\n${indent}}`;
}
