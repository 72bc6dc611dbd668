/** Values of a JSON schema, right ones and broken ones. */
import fc from 'fast-check';
import { resolved, type Json } from './document.js';

/** Texts that have broken programs before. */
const nastyTexts = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '‮',
  "'; drop table job; --",
  "' or '1'='1",
  '$1',
  '%00',
  '%2e%2e%2f',
  '../../etc/passwd',
  '{{7*7}}',
  '${jndi:ldap://127.0.0.1/x}',
  'EVT.>',
  '*',
  '>',
  'a.b.c',
  'null',
  '__proto__',
  'constructor',
  '\r\nx-injected: 1',
  '😀'.repeat(50),
  'x'.repeat(10_000),
  '99999999999999999999',
  '-1',
  '1e309',
];
export const nasty = fc.oneof(fc.constantFrom(...nastyTexts), fc.string({ unit: 'binary', maxLength: 60 }));

/** Anything that JSON can say. */
export const anything = fc.oneof(
  nasty,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    nested(200),
    Array.from({ length: 2_000 }, () => 0),
    { __proto__: null, constructor: { prototype: 1 } },
  ),
);

function nested(depth: number): unknown {
  return depth === 0 ? {} : { a: nested(depth - 1) };
}

/** Answers what a field of a name may be just now, where the schema alone can't tell, or that it is best left out; undefined where it can tell. */
export type Known = (name: string) => (() => readonly unknown[]) | 'left out' | undefined;

/** Stands for a thing of which there is none yet. */
export const noneYet = 'none-yet';

/** Right values. */
export function valuesOf(schema: Json, name: string, known: Known): fc.Arbitrary<unknown> {
  const here = resolved(schema);
  const found = known(name);
  if (typeof found === 'function' && here['type'] !== 'array')
    return fc.nat().map((n) => {
      const now = found();
      return now[n % Math.max(1, now.length)] ?? noneYet;
    });
  const choices = (here['anyOf'] ?? here['oneOf']) as Json[] | undefined;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => valuesOf(choice, name, known)));
  if (Array.isArray(here['enum'])) return fc.constantFrom(...(here['enum'] as unknown[]));
  if ('const' in here) return fc.constant(here['const']);
  const [type] = [here['type']].flat();
  switch (type) {
    case 'string':
      return texts(here);
    case 'integer':
      return fc.integer({ min: bound(here['minimum'], 0), max: Math.min(bound(here['maximum'], 1_000_000), 1_000_000) });
    case 'number':
      return fc.double({ min: bound(here['minimum'], 0), max: bound(here['maximum'], 1_000), noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(valuesOf((here['items'] ?? {}) as Json, name.replace(/s$/, ''), known), {
        minLength: bound(here['minItems'], 0),
        maxLength: Math.min(bound(here['maxItems'], 3), 3),
      });
    case 'object':
      return objects(here, known);
    default:
      return fc.constantFrom<unknown>('text', 1, true);
  }
}

function objects(schema: Json, known: Known): fc.Arbitrary<unknown> {
  const all = Object.entries((schema['properties'] ?? {}) as Record<string, Json>);
  const properties = Object.fromEntries(all.filter(([name]) => known(name) !== 'left out'));
  const required = ((schema['required'] ?? []) as string[]).filter((name) => name in properties);
  const shaped = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, valuesOf(property, name, known)])),
    { requiredKeys: required, noNullPrototype: true },
  );
  const more = schema['additionalProperties'];
  if (typeof more !== 'object' || more === null || Object.keys(properties).length > 0) return shaped;
  const keys = (schema['propertyNames'] ?? { type: 'string', pattern: '^[a-z]{1,8}$' }) as Json;
  const entries = fc.tuple(
    valuesOf(keys, '', () => undefined),
    valuesOf(more as Json, '', known),
  );
  return fc.array(entries, { maxLength: 3 }).map((list) => Object.fromEntries(list as [string, unknown][]));
}

function texts(schema: Json): fc.Arbitrary<string> {
  if (schema['format'] === 'date-time')
    return fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }).map((at) => at.toISOString());
  if (schema['format'] === 'email') return fc.integer({ min: 1, max: 1e9 }).map((n) => `fuzz-${String(n)}@example.test`);
  if (schema['format'] === 'uri') return fc.integer({ min: 1, max: 99 }).map((n) => `http://127.0.0.1:9/${String(n)}`);
  const [min, max] = [bound(schema['minLength'], 0), Math.min(bound(schema['maxLength'], 40), 60)];
  if (typeof schema['pattern'] === 'string')
    return fc.stringMatching(new RegExp(schema['pattern'])).filter((text) => text.length >= min && text.length <= 200);
  return fc.string({
    unit: fc.constantFrom('a', 'b', 'c', 'x', 'y', 'z', '0', '1', ' ', '-'),
    minLength: min + 2,
    maxLength: Math.max(min + 2, max),
  });
}

function bound(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

/** A right value made wrong in one place. */
export function broken(value: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(value))
    return fc.oneof(
      anything,
      anything.map((one) => [...(value as unknown[]), one]),
    );
  if (typeof value !== 'object' || value === null) return anything;
  const entries = Object.entries(value);
  const without = (name: string) => Object.fromEntries(entries.filter(([key]) => key !== name));
  const names = entries.map(([name]) => name);
  return fc.oneof(
    anything,
    fc.tuple(fc.constantFrom('extra', '__proto__', 'constructor', 'x'), anything).map(([name, one]) => ({ ...value, [name]: one })),
    ...(names.length === 0
      ? []
      : [
          fc.constantFrom(...names).map(without),
          fc.constantFrom(...entries).chain(([name, part]) => broken(part).map((one) => ({ ...value, [name]: one }))),
        ]),
  );
}
