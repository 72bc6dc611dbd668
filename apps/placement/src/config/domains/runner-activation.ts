/** Which version of which definition runners run: for everybody, and for single tenants. */
import { z } from 'zod';
import { namePattern, platformScope } from '@fairlead/contracts';
import { defineDomain, type NamedVersion } from './define.js';
import { pointerOf, type Problem } from '../domain/problems.js';

const name = z.string().regex(namePattern, 'must be up to 63 lower-case letters, digits and inner hyphens');
const version = z.int('must be a version, or null for off').min(1, 'must be a version, or null for off').nullable();
const activations = z
  .record(name, version)
  .refine((named) => Object.keys(named).length <= 1_000, 'has too many definitions')
  .default({});

const schema = z.strictObject({
  /** What tenants have for whom nothing else is said; a definition that is not named, or null, is off. */
  defaults: activations,
  /** What single tenants have instead; null: it is off for this one. */
  tenants: z.record(name, activations).default({}),
});
type Activations = z.output<typeof schema>;

export const runnerActivation = defineDomain<Activations>({
  name: 'runner-activation',
  tenantScopes: false,
  schema,
  defaults: schema.parse({}),
  followedByGateways: () => false,
  tenantsOf: ({ tenants }) => Object.keys(tenants),
  versionsOf,
  problems: (document, world) => [
    ...Object.keys(document.tenants).flatMap((tenant): Problem[] =>
      world.tenants.has(tenant) ? [] : [{ pointer: pointerOf(['tenants', tenant]), detail: `there is no tenant ${tenant}` }],
    ),
    ...versionsOf(document).flatMap(({ pointer, definition, version: wanted }): Problem[] => {
      const versions = world.definitions.get(definition);
      if (versions === undefined) return [{ pointer, detail: `there is no definition ${definition}` }];
      if (wanted === null) return [];
      const known = versions.get(wanted);
      if (known === undefined) return [{ pointer, detail: `there is no version ${String(wanted)} of ${definition}` }];
      return known.retired ? [{ pointer, detail: `version ${String(wanted)} of ${definition} is retired` }] : [];
    }),
  ],
  impact: (before, after, world, identity) => {
    // Runners go by the one document alone.
    if (identity.name !== 'default' || identity.scope !== platformScope) return { services: [], tenants: [], everyTenant: false };
    const tenants = [...new Set([...Object.keys(before.tenants), ...Object.keys(after.tenants)])];
    return {
      services: world.shards.filter(({ kind }) => kind === 'runner').map(({ kind, shardId }) => `${kind}/${shardId}`),
      tenants: tenants.filter((tenant) => differ(before.tenants[tenant], after.tenants[tenant])).sort(),
      everyTenant: differ(before.defaults, after.defaults),
    };
  },
});

function versionsOf({ defaults, tenants }: Activations): NamedVersion[] {
  const of = (named: Activations['defaults'], tenantId: string | null, path: readonly string[]) =>
    Object.entries(named).map(([definition, wanted]) => ({
      ...{ pointer: pointerOf([...path, definition]), definition, tenantId, version: wanted },
    }));
  return [...of(defaults, null, ['defaults']), ...Object.entries(tenants).flatMap(([tenant, own]) => of(own, tenant, ['tenants', tenant]))];
}

function differ(before: Activations['defaults'] = {}, after: Activations['defaults'] = {}): boolean {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.some((definition) => before[definition] !== after[definition]);
}
