import { describe, expect, it } from '@jest/globals';
import { breakingChanges } from './breaking.js';
import type { OpenApiDocument } from './document.js';
import { apiDocument } from './index.js';
import type { JsonSchema } from './schemas.js';

type Change = readonly [path: readonly string[], value: unknown];

/** The API's own document with other values at some places; undefined: nothing is there. */
function changed(...changes: readonly Change[]): OpenApiDocument {
  const copy = structuredClone(apiDocument());
  for (const [path, value] of changes) {
    const above = path.slice(0, -1).reduce<JsonSchema>((at, key) => at[key] as JsonSchema, copy as unknown as JsonSchema);
    const key = path.at(-1) ?? '';
    if (value === undefined) Reflect.deleteProperty(above, key);
    else above[key] = value;
  }
  return copy;
}

/** The value at a place of the document. */
const valueAt = (path: readonly string[]) =>
  path.reduce<unknown>((at, key) => (at as JsonSchema)[key], apiDocument()) as Record<string, unknown> & unknown[];

const tenants = ['paths', '/admin/v1/tenants'];
const list = [...tenants, 'get'];
const create = [...tenants, 'post'];
const body = [...create, 'requestBody', 'content', 'application/json', 'schema'];
const tenant = ['components', 'schemas', 'Tenant'];
const optional = { name: 'note', in: 'query', required: false, schema: { type: 'string' } };
const note = { type: 'string' };

describe('what breaks programs', () => {
  it('is nothing while nothing has changed, or only more is taken and told', () => {
    expect(breakingChanges(apiDocument(), apiDocument())).toEqual([]);
    const more = changed(
      [['paths', '/admin/v1/more'], { get: { operationId: 'more.get', responses: {} } }],
      [[...body, 'properties', 'note'], note],
      [[...body, 'properties', 'name', 'maxLength'], 300],
      [[...tenant, 'properties', 'note'], note],
      [
        [...tenant, 'required'],
        [...valueAt([...tenant, 'required']), 'note'],
      ],
      [
        [...list, 'parameters'],
        [...valueAt([...list, 'parameters']), optional],
      ],
    );
    expect(breakingChanges(apiDocument(), more)).toEqual([]);
  });

  it.each<[what: string, changes: readonly Change[], told: string]>([
    ['a route that is gone', [[create, undefined]], 'POST /admin/v1/tenants is gone'],
    ['another permission', [[[...list, 'x-permission'], 'tenant.write']], 'GET /admin/v1/tenants: needs tenant.write, before tenant.read'],
    [
      'a parameter that is gone',
      [[[...list, 'parameters'], valueAt([...list, 'parameters']).slice(0, 3)]],
      'GET /admin/v1/tenants: query parameter shard_id is gone',
    ],
    [
      'a parameter that has to be there',
      [[[...list, 'parameters', '0', 'required'], true]],
      'GET /admin/v1/tenants: query parameter limit is required',
    ],
    [
      'a value that is not taken any more',
      [
        [
          [...list, 'parameters', '2', 'schema', 'enum'],
          ['aggregate', 'projection'],
        ],
      ],
      'GET /admin/v1/tenants: query parameter kind: does not take runner',
    ],
    [
      'a field of a body that has to be there',
      [
        [[...body, 'properties', 'note'], note],
        [
          [...body, 'required'],
          ['tenant_id', 'name', 'note'],
        ],
      ],
      'POST /admin/v1/tenants: body.note is required',
    ],
    [
      'a field that is not taken any more',
      [[[...body, 'properties', 'placement'], undefined]],
      'POST /admin/v1/tenants: body.placement is gone',
    ],
    [
      'a shorter text',
      [[[...body, 'properties', 'name', 'maxLength'], 100]],
      'POST /admin/v1/tenants: body.name: maxLength is 100, was 200',
    ],
    ['another type', [[[...body, 'properties', 'name', 'type'], 'integer']], 'POST /admin/v1/tenants: body.name: does not take string'],
    [
      'a field that is not told any more',
      [[[...tenant, 'properties', 'name'], undefined]],
      'GET /admin/v1/tenants: answer.items[].name is gone',
    ],
    [
      'a field that may be missing',
      [[[...tenant, 'required'], ['tenant_id']]],
      'GET /admin/v1/tenants: answer.items[].name may be missing',
    ],
    [
      'a field that may be null',
      [
        [
          [...tenant, 'properties', 'name', 'type'],
          ['string', 'null'],
        ],
      ],
      'GET /admin/v1/tenants: answer.items[].name: may be null',
    ],
    [
      'another status',
      [
        [[...create, 'responses', '200'], valueAt([...create, 'responses', '201'])],
        [[...create, 'responses', '201'], undefined],
      ],
      'POST /admin/v1/tenants: does not answer 201 any more',
    ],
  ])('is %s', (_what, changes, told) => {
    expect(breakingChanges(apiDocument(), changed(...changes))).toContain(told);
  });
});
