/**
 * What a newer document of the API breaks for programs that were written against an older one. Requests that were right have to stay right,
 * and answers have to stay what such a program reads: new optional fields are fine in both, others may be looser in requests and
 * stricter in answers.
 */
import type { OpenApiDocument } from './document.js';
import type { JsonSchema } from './schemas.js';

/** Where a schema is used: narrowing breaks what is asked, widening what is answered. */
type Use = 'asked' | 'answered';

/** One line for each thing that breaks, empty when nothing does. */
export function breakingChanges(older: OpenApiDocument, newer: OpenApiDocument): string[] {
  return Object.entries(older.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, was]) => {
      const name = `${method.toUpperCase()} ${path}`;
      const is = newer.paths[path]?.[method];
      if (is === undefined) return [`${name} is gone`];
      return new Comparison(older, newer).operation(name, was, is);
    }),
  );
}

class Comparison {
  private readonly seen = new Set<string>();

  constructor(
    private readonly older: OpenApiDocument,
    private readonly newer: OpenApiDocument,
  ) {}

  operation(name: string, was: JsonSchema, is: JsonSchema): string[] {
    return [
      ...differs(name, 'is called', was['operationId'], is['operationId']),
      ...differs(name, 'needs', permissionOf(was), permissionOf(is)),
      ...this.parameters(name, was, is),
      ...this.body(name, was, is),
      ...this.answers(name, was, is),
    ];
  }

  private parameters(name: string, was: JsonSchema, is: JsonSchema): string[] {
    const keyOf = (parameter: JsonSchema) => `${String(parameter['in'])} parameter ${String(parameter['name'])}`;
    const byKey = (operation: JsonSchema) => new Map(listOf(operation['parameters']).map((one) => [keyOf(one), one]));
    const [before, after] = [byKey(was), byKey(is)];
    return [
      ...[...before].flatMap(([key, one]) => {
        const now = after.get(key);
        return now === undefined
          ? [`${name}: ${key} is gone`]
          : this.schema(`${name}: ${key}`, 'asked', partOf(one, 'schema'), partOf(now, 'schema'));
      }),
      ...[...after].flatMap(([key, one]) =>
        one['required'] === true && before.get(key)?.['required'] !== true ? [`${name}: ${key} is required`] : [],
      ),
    ];
  }

  private body(name: string, was: JsonSchema, is: JsonSchema): string[] {
    const schemaIn = (operation: JsonSchema) => {
      const content = partOf(partOf(operation, 'requestBody'), 'content');
      return 'application/json' in content ? partOf(partOf(content, 'application/json'), 'schema') : undefined;
    };
    const [before, after] = [schemaIn(was), schemaIn(is)];
    if (before === undefined) return partOf(is, 'requestBody')['required'] === true ? [`${name}: a body is required`] : [];
    return after === undefined ? [] : this.schema(`${name}: body`, 'asked', before, after);
  }

  private answers(name: string, was: JsonSchema, is: JsonSchema): string[] {
    const good = (operation: JsonSchema) =>
      Object.entries(partOf(operation, 'responses')).filter(([status]) => status.startsWith('2')) as [string, JsonSchema][];
    const after = new Map(good(is));
    return good(was).flatMap(([status, before]) => {
      const now = after.get(status);
      if (now === undefined) return [`${name}: does not answer ${status} any more`];
      return Object.entries(partOf(before, 'content')).flatMap(([type, media]) => {
        const then = partOf(now, 'content')[type];
        if (then === undefined) return [`${name}: does not answer ${type} any more`];
        return this.schema(`${name}: answer`, 'answered', partOf(media as JsonSchema, 'schema'), partOf(then as JsonSchema, 'schema'));
      });
    });
  }

  private schema(where: string, use: Use, was: JsonSchema, is: JsonSchema): string[] {
    const pair = `${use} ${String(was['$ref'])} ${String(is['$ref'])}`;
    if (was['$ref'] !== undefined && is['$ref'] !== undefined) {
      if (this.seen.has(pair)) return [];
      this.seen.add(pair);
    }
    const [before, after] = [resolve(this.older, was), resolve(this.newer, is)];
    return [
      ...this.types(where, use, before, after),
      ...values(where, use, before, after),
      ...limits(where, use, before, after),
      ...this.properties(where, use, before, after),
      ...('items' in before && 'items' in after
        ? this.schema(`${where}[]`, use, before['items'] as JsonSchema, after['items'] as JsonSchema)
        : []),
      ...(isSchema(before['additionalProperties']) && isSchema(after['additionalProperties'])
        ? this.schema(`${where}.*`, use, before['additionalProperties'], after['additionalProperties'])
        : []),
      // Choices are compared as they stand: what one of several stands for can't be told.
      ...['anyOf', 'oneOf', 'allOf'].flatMap((key) => {
        const [one, other] = [listOf(before[key]), listOf(after[key])];
        if (one.length === 0 && other.length === 0) return [];
        if (one.length !== other.length) return [`${where}: has other choices`];
        return one.flatMap((choice, index) => this.schema(where, use, choice, other[index] ?? {}));
      }),
    ];
  }

  private types(where: string, use: Use, was: JsonSchema, is: JsonSchema): string[] {
    const [before, after] = [typesOf(was), typesOf(is)];
    if (before === undefined && after === undefined) return [];
    const [wider, narrower] = use === 'asked' ? [after, before] : [before, after];
    if (wider === undefined) return [];
    const outside = narrower === undefined ? ['anything'] : narrower.filter((type) => !covers(wider, type));
    if (outside.length === 0) return [];
    return [`${where}: ${use === 'asked' ? 'does not take' : 'may be'} ${outside.join(', ')}`];
  }

  private properties(where: string, use: Use, was: JsonSchema, is: JsonSchema): string[] {
    const [before, after] = [partOf(was, 'properties'), partOf(is, 'properties')];
    const [needed, needs] = [textsOf(was['required']), textsOf(is['required'])];
    return [
      ...Object.entries(before).flatMap(([name, property]) => {
        const now = after[name];
        if (now === undefined) return use === 'answered' || is['additionalProperties'] === false ? [`${where}.${name} is gone`] : [];
        const optional = use === 'answered' && needed.includes(name) && !needs.includes(name) ? [`${where}.${name} may be missing`] : [];
        return [...optional, ...this.schema(`${where}.${name}`, use, property as JsonSchema, now as JsonSchema)];
      }),
      ...(use === 'asked' ? needs.filter((name) => !needed.includes(name)).map((name) => `${where}.${name} is required`) : []),
    ];
  }
}

/** Enumerations: requests may get more values, answers fewer. */
function values(where: string, use: Use, was: JsonSchema, is: JsonSchema): string[] {
  const [before, after] = [enumOf(was), enumOf(is)];
  const [wider, narrower] = use === 'asked' ? [after, before] : [before, after];
  if (wider === undefined) return [];
  if (narrower === undefined) return [`${where}: ${use === 'asked' ? 'takes some values only' : 'may have other values'}`];
  const outside = narrower.filter((value) => !wider.includes(value));
  return outside.length === 0 ? [] : [`${where}: ${use === 'asked' ? 'does not take' : 'may be'} ${outside.join(', ')}`];
}

const lower = ['minLength', 'minimum', 'minItems'];
const upper = ['maxLength', 'maximum', 'maxItems'];

/** Of requests alone: an answer's limits tell programs little. */
function limits(where: string, use: Use, was: JsonSchema, is: JsonSchema): string[] {
  if (use === 'answered') return [];
  const stricter = [
    ...lower.filter((key) => numberOf(is, key, -Infinity) > numberOf(was, key, -Infinity)),
    ...upper.filter((key) => numberOf(is, key, Infinity) < numberOf(was, key, Infinity)),
    ...['pattern', 'format'].filter((key) => is[key] !== undefined && is[key] !== was[key]),
  ];
  return stricter.map((key) => `${where}: ${key} is ${shown(is[key])}, was ${shown(was[key])}`);
}

function shown(limit: unknown): string {
  return typeof limit === 'number' || typeof limit === 'string' ? String(limit) : 'none';
}

function differs(name: string, verb: string, was: unknown, is: unknown): string[] {
  return was === is ? [] : [`${name}: ${verb} ${String(is)}, before ${String(was)}`];
}

function permissionOf(operation: JsonSchema): string {
  return typeof operation['x-permission'] === 'string' ? operation['x-permission'] : 'nothing';
}

function resolve(document: OpenApiDocument, schema: JsonSchema): JsonSchema {
  const name = typeof schema['$ref'] === 'string' ? schema['$ref'].replace('#/components/schemas/', '') : undefined;
  return name === undefined ? schema : (document.components.schemas[name] ?? {});
}

function covers(types: readonly string[], type: string): boolean {
  return types.includes(type) || (type === 'integer' && types.includes('number'));
}

function typesOf({ type }: JsonSchema): readonly string[] | undefined {
  return type === undefined ? undefined : ([type].flat() as string[]);
}

function enumOf(schema: JsonSchema): readonly unknown[] | undefined {
  if (Array.isArray(schema['enum'])) return schema['enum'] as readonly unknown[];
  return 'const' in schema ? [schema['const']] : undefined;
}

function numberOf(schema: JsonSchema, key: string, otherwise: number): number {
  return typeof schema[key] === 'number' ? schema[key] : otherwise;
}

function partOf(schema: JsonSchema, key: string): JsonSchema {
  return isSchema(schema[key]) ? schema[key] : {};
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly JsonSchema[] {
  return Array.isArray(value) ? (value as JsonSchema[]) : [];
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as string[]) : [];
}
