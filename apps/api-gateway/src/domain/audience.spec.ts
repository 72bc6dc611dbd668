import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { permissions, type AggregateEvents, type EventCatalogue, type EventFacts, type Permission } from '@fairlead/contracts';
import { granted, type Scope } from '@fairlead/auth';
import { mayRead } from './audience.js';

const names = ['a', 'b', 'c'] as const;
const name = fc.constantFrom(...names);
/** Names that objects have by themselves must not pass for declared ones. */
const typeName = fc.constantFrom('made', 'changed', 'ended', 'toString', '__proto__', 'constructor');
const aggregateName = fc.constantFrom('job', 'tenant', 'node', 'constructor', 'hasOwnProperty');
const permission = fc.constantFrom(...permissions.slice(0, 5));

/** How an aggregate type names whose business an event is, as data: the oracle reads it too. */
type Naming = 'none' | 'id' | 'payload' | 'throws';
interface Declared {
  readonly permission: Permission;
  readonly tenant: Naming;
  readonly node: Naming;
  readonly types: readonly string[];
}

const naming = fc.constantFrom<Naming>('none', 'id', 'payload', 'throws');
const declared = fc.record<Declared>({ permission, tenant: naming, node: naming, types: fc.uniqueArray(typeName) });
const catalogues = fc.dictionary(aggregateName, declared, { noNullPrototype: true });

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const scopes = optional(fc.record<Scope>({ tenants: fc.uniqueArray(name), nodes: fc.uniqueArray(name) }, { requiredKeys: [] }));
const someGrants = fc.uniqueArray(permission).map((list) => new Set(list));
const readers = fc
  .record({ platform: someGrants, onTenants: fc.dictionary(name, someGrants, { noNullPrototype: true }), scope: scopes })
  .map(({ platform, onTenants, scope }) => ({
    ...granted(new Map([['/', platform], ...Object.entries(onTenants).map(([tenant, given]) => [`/tenants/${tenant}`, given] as const)])),
    ...{ platform, onTenants, scope },
  }));
const events = fc.record<EventFacts>({
  aggregateType: aggregateName,
  aggregateId: name,
  type: typeName,
  payload: fc.record({ tenant_id: name, node_id: name }, { requiredKeys: [] }),
});

function judge(how: Naming, key: string): AggregateEvents['tenantOf'] {
  switch (how) {
    case 'none':
      return undefined;
    case 'id':
      return (event) => event.aggregateId;
    case 'payload':
      return (event) => event.payload[key] as string | undefined;
    case 'throws':
      return () => {
        throw new Error('a payload that was not foreseen');
      };
  }
}

function catalogueOf(all: Record<string, Declared>): EventCatalogue {
  return Object.fromEntries(
    Object.entries(all).map(([aggregate, { permission: needed, tenant, node, types }]) => [
      aggregate,
      {
        permission: needed,
        tenantOf: judge(tenant, 'tenant_id'),
        nodeOf: judge(node, 'node_id'),
        types: Object.fromEntries(types.map((type) => [type, { schemas: [], upcasters: [] }])),
      },
    ]),
  );
}

/** The rule, said the long way. */
function oracle(
  all: Record<string, Declared>,
  reader: { platform: Set<Permission>; onTenants: Record<string, Set<Permission>>; scope: Scope | undefined },
  event: EventFacts,
): boolean {
  const entry = Object.entries(all).find(([aggregate]) => aggregate === event.aggregateType);
  if (entry === undefined) return false;
  const [, { permission: needed, tenant, node, types }] = entry;
  const known = types.some((type) => type === event.type) && tenant !== 'throws' && node !== 'throws';
  const named = (how: Naming, key: 'tenant_id' | 'node_id') =>
    how === 'id' ? [event.aggregateId] : how === 'payload' ? [event.payload[key]].filter((value) => value !== undefined) : [];
  const of = known ? { tenants: named(tenant, 'tenant_id'), nodes: named(node, 'node_id') } : { tenants: [], nodes: [] };
  const onTenant = Object.entries(reader.onTenants).some(([one, given]) => of.tenants.includes(one) && given.has(needed));
  if (!reader.platform.has(needed) && !onTenant) return false;
  if (reader.scope === undefined) return true;
  const own = { tenants: reader.scope.tenants ?? [], nodes: reader.scope.nodes ?? [] };
  return own.tenants.some((one) => of.tenants.includes(one)) || own.nodes.some((one) => of.nodes.includes(one));
}

describe('who may be told of an event', () => {
  it('is as the rule has it, for every catalogue, reader and event', () => {
    let told = 0;
    fc.assert(
      fc.property(catalogues, readers, events, (all, reader, event) => {
        const expected = oracle(all, reader, event);
        if (expected) told += 1;
        expect(mayRead(reader, event, catalogueOf(all))).toBe(expected);
      }),
      { numRuns: 5_000 },
    );
    // The property says something only while both answers occur.
    expect(told).toBeGreaterThan(100);
  });

  it('never grows when a grant is taken away or a scope is set', () => {
    fc.assert(
      fc.property(catalogues, readers, events, scopes, permission, (all, reader, event, scope, lost) => {
        const catalogue = catalogueOf(all);
        const without = (grants: Set<Permission>) => new Set([...grants].filter((grant) => grant !== lost));
        const { platform, onTenants } = reader;
        const left = Object.entries(onTenants).map(([tenant, given]) => [`/tenants/${tenant}`, without(given)] as const);
        const less = { ...reader, ...granted(new Map([['/', without(platform)], ...left])) };
        const before = mayRead(reader, event, catalogue);
        if (mayRead(less, event, catalogue)) expect(before).toBe(true);
        if (reader.scope === undefined && mayRead({ ...reader, scope }, event, catalogue)) expect(before).toBe(true);
      }),
    );
  });
});
