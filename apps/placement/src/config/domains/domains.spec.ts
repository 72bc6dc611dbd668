import { describe, expect, it } from '@jest/globals';
import type { ConfigDomain, ConfigIdentity } from '@fairlead/contracts';
import { canonicalForm } from '../domain/canonical.js';
import type { World } from './define.js';
import { domains } from './index.js';
import { policyOf } from './placement.js';

const shard = (kind: string, shardId: string, state = 'active', labels = {}) => ({ kind, shardId, state, labels });
const world: World = {
  shards: [
    ...[shard('aggregate', 'aggregate-1'), shard('runner', 'runner-1', 'cordoned'), shard('gateway', 'gateway-1')],
    shard('projection', 'projection-1', 'active', { zone: 'a' }),
  ],
  tenants: new Set(['acme', 'globex']),
  definitions: new Map([
    [
      'charge',
      new Map([
        [1, { retired: true }],
        [2, { retired: false }],
      ]),
    ],
  ]),
  endpointProblem: (url) => (url.startsWith('http://10.') ? undefined : 'it is not allowed'),
};
const platform = (domain: ConfigDomain): ConfigIdentity => ({ domain, name: 'default', scope: 'platform' });

/** What is wrong with a document by its references; those of the schema are an error here. */
function problemsOf(domain: ConfigDomain, document: object, identity = platform(domain)): string[] {
  const { schema, problems } = domains[domain];
  return problems(schema.parse(document), world, identity).map(({ pointer }) => pointer);
}
const route = (id: string, path_prefix: string, to: object) => ({ id, path_prefix, to });

describe('every domain', () => {
  it.each(Object.values(domains))('$name has defaults that its own schema takes as they are', ({ schema, defaults }) => {
    expect(canonicalForm(schema.parse(JSON.parse(canonicalForm(defaults))))).toBe(canonicalForm(defaults));
  });

  it.each(Object.values(domains))('$name refuses what it does not know', ({ schema, defaults }) => {
    expect(schema.safeParse({ ...defaults, nonsense: 1 }).success).toBe(false);
  });
});

describe('routing', () => {
  it('is right when all that it names is there', () => {
    const routes = [route('api', '/api', { kind: 'aggregate' }), route('status', '/status', { endpoints: ['http://10.0.0.1:80'] })];
    const document = { routes, default_shards: { runner: 'runner-1' }, gateways: { 'gateway-1': { max_inflight: 10 } } };
    expect(problemsOf('routing', document)).toEqual([]);
  });

  it('names every reference that leads nowhere, and what stands twice', () => {
    const routes = [
      ...[route('a', '/a', { kind: 'runner' }), route('a', '/b', { kind: 'aggregate' }), route('c', '/b', { kind: 'aggregate' })],
      route('d', '/d', { endpoints: ['http://10.0.0.1', 'http://169.254.169.254'] }),
    ];
    const document = { routes, default_shards: { aggregate: 'gone' }, gateways: { gone: { max_inflight: 1 } } };
    expect(problemsOf('routing', document)).toEqual([
      ...['/routes/0/to/kind', '/routes/1/id', '/routes/2/path_prefix', '/routes/3/to/endpoints/1'],
      ...['/default_shards/aggregate', '/gateways/gone'],
    ]);
  });

  it('has at least one route, and at least one target in each', () => {
    const { schema } = domains.routing;
    expect(schema.safeParse({ routes: [] }).success).toBe(false);
    expect(schema.safeParse({ routes: [route('a', '/a', { endpoints: [] })] }).success).toBe(false);
    expect(schema.safeParse({ routes: [route('a', 'a', { kind: 'aggregate' })] }).success).toBe(false);
  });

  it('touches every gateway and every tenant', () => {
    const { impact, defaults } = domains.routing;
    expect(impact(defaults, defaults, world, platform('routing'))).toEqual({
      services: ['gateway/gateway-1'],
      tenants: [],
      everyTenant: true,
    });
  });
});

describe('placement', () => {
  it('has pins of tenants and shards that there are', () => {
    const pins = [
      { tenants: ['acme'], kind: 'aggregate', on: { shard: 'aggregate-1' } },
      { tenants: ['globex'], kind: 'projection', on: { labels: { zone: 'a' } } },
    ];
    expect(problemsOf('placement', { pins })).toEqual([]);
    const wrong = [
      { tenants: ['acme', 'nobody'], kind: 'aggregate', on: { shard: 'gone' } },
      { tenants: ['acme'], kind: 'projection', on: { labels: { zone: 'b' } } },
      { tenants: ['acme'], kind: 'aggregate', on: { shard: 'aggregate-1' } },
    ];
    expect(problemsOf('placement', { pins: wrong })).toEqual([
      ...['/pins/0/tenants/1', '/pins/0/on/shard', '/pins/1/on/labels', '/pins/2/tenants/0'],
    ]);
  });

  it('refuses a member that there was once, and reads the revisions that have it', () => {
    const { schema, defaults } = domains.placement;
    const old = { ...defaults, tolerance_percent: 8, default_kinds: ['runner'] };
    expect(schema.safeParse(old).success).toBe(false);
    expect(policyOf(canonicalForm(old))).toEqual({ ...defaults, tolerance_percent: 8 });
    expect(() => policyOf(canonicalForm({ ...old, nonsense: 1 }))).toThrow('nonsense');
  });

  it('touches the tenants that are, or were, pinned', () => {
    const { impact, defaults, schema } = domains.placement;
    const pinned = schema.parse({ pins: [{ tenants: ['globex'], kind: 'aggregate', on: { shard: 'aggregate-1' } }] });
    expect(impact(pinned, defaults, world, platform('placement'))).toEqual({
      services: ['placement'],
      tenants: ['globex'],
      everyTenant: false,
    });
  });
});

describe('feature flags', () => {
  const flags = (tenants: Record<string, unknown>, value: unknown = false) => ({ flags: { fast: { value, tenants } } });

  it('have values of tenants that there are, of the same type', () => {
    expect(problemsOf('feature-flags', flags({ acme: true }))).toEqual([]);
    expect(problemsOf('feature-flags', flags({ nobody: true, acme: 'yes' }))).toEqual([
      '/flags/fast/tenants/nobody',
      '/flags/fast/tenants/acme',
    ]);
  });

  it('of one tenant have no values of others', () => {
    const own = { domain: 'feature-flags', name: 'default', scope: 'tenants/acme' } as const;
    expect(problemsOf('feature-flags', flags({}), own)).toEqual([]);
    expect(problemsOf('feature-flags', flags({ globex: true }), own)).toEqual(['/flags/fast/tenants/globex']);
  });

  it('touch every tenant only when what everybody has changes', () => {
    const { impact, schema } = domains['feature-flags'];
    const touched = (before: object, after: object) => impact(schema.parse(before), schema.parse(after), world, platform('feature-flags'));
    expect(touched(flags({}), flags({ acme: true }))).toMatchObject({ tenants: ['acme'], everyTenant: false });
    expect(touched(flags({}), flags({}, true))).toMatchObject({ tenants: [], everyTenant: true });
  });
});

describe('runner activation', () => {
  it('names versions that there are, for tenants that there are', () => {
    const document = { defaults: { charge: 2 }, tenants: { acme: { charge: null }, globex: { charge: 2 } } };
    expect(problemsOf('runner-activation', document)).toEqual([]);
  });

  it('names every reference that leads nowhere, and what is retired', () => {
    const document = { defaults: { charge: 1, gone: 1 }, tenants: { nobody: { charge: 3 }, acme: { gone: null } } };
    expect(problemsOf('runner-activation', document)).toEqual([
      ...['/tenants/nobody', '/defaults/charge', '/defaults/gone', '/tenants/nobody/charge', '/tenants/acme/gone'],
    ]);
  });

  it('has whole numbers from 1 on, or null', () => {
    const { schema } = domains['runner-activation'];
    for (const version of [0, -1, 1.5, '1', true]) expect(schema.safeParse({ defaults: { charge: version } }).success).toBe(false);
  });

  it('touches all runners, and the tenants whose own versions change; all of them only when the defaults do', () => {
    const { impact, schema } = domains['runner-activation'];
    const touched = (before: object, after: object, identity = platform('runner-activation')) =>
      impact(schema.parse(before), schema.parse(after), world, identity);
    const tenants = { acme: { charge: 2 }, globex: { charge: 2 } };
    expect(touched({ tenants }, { tenants: { ...tenants, acme: { charge: null } } })).toEqual({
      ...{ services: ['runner/runner-1'], tenants: ['acme'], everyTenant: false },
    });
    expect(touched({ tenants }, { tenants: {}, defaults: { charge: null } })).toMatchObject({
      ...{ tenants: ['acme', 'globex'], everyTenant: true },
    });
    expect(touched({ tenants }, {}, { ...platform('runner-activation'), name: 'other' })).toEqual({
      ...{ services: [], tenants: [], everyTenant: false },
    });
  });
});
