/** What is switched on, for everybody and for single tenants. */
import { z } from 'zod';
import { namePattern, platformScope, tenantOfConfig } from '@fairlead/contracts';
import { defineDomain, gatewaysOf } from './define.js';
import { pointerOf, type Problem } from '../domain/problems.js';

const flagName = z.string().regex(/^[a-z][a-z0-9._-]{0,62}$/, 'must be up to 63 lower-case letters, digits and . _ -, a letter first');
const tenant = z.string().regex(namePattern, 'must be up to 63 lower-case letters, digits and inner hyphens');
const value = z.union([z.boolean(), z.number(), z.string().max(1_024, 'is too long')], 'must be true or false, a number or a text');

const flag = z.strictObject({
  description: z.string().max(500, 'is too long').default(''),
  value,
  /** What single tenants have instead. */
  tenants: z.record(tenant, value).default({}),
});
const schema = z.strictObject({
  flags: z
    .record(flagName, flag)
    .refine((flags) => Object.keys(flags).length <= 1_000, 'has too many flags')
    .default({}),
});
type Flags = z.output<typeof schema>;

export const featureFlags = defineDomain<Flags>({
  name: 'feature-flags',
  tenantScopes: true,
  schema,
  defaults: schema.parse({}),
  followedByGateways: ({ name, scope }) => name === 'default' && scope === platformScope,
  tenantsOf,
  problems: ({ flags }, world, identity) =>
    Object.entries(flags).flatMap(([name, { value: standard, tenants }]) =>
      Object.entries(tenants).flatMap(([id, own]): Problem[] => {
        const pointer = pointerOf(['flags', name, 'tenants', id]);
        if (tenantOfConfig(identity) !== undefined)
          return [{ pointer, detail: 'a document of one tenant has no values of single tenants' }];
        if (!world.tenants.has(id)) return [{ pointer, detail: `there is no tenant ${id}` }];
        return typeof own === typeof standard ? [] : [{ pointer, detail: `must be a ${typeof standard}, as the flag's value` }];
      }),
    ),
  impact: (before, after, world, identity) => {
    const own = tenantOfConfig(identity);
    const services = gatewaysOf(world);
    if (own !== undefined) return { services, tenants: [own], everyTenant: false };
    const names = [...new Set([...Object.keys(before.flags), ...Object.keys(after.flags)])];
    const everyTenant = names.some((name) => before.flags[name]?.value !== after.flags[name]?.value);
    return { services, tenants: [...new Set([...tenantsOf(before), ...tenantsOf(after)])].sort(), everyTenant };
  },
});

function tenantsOf({ flags }: Flags): string[] {
  return Object.values(flags).flatMap(({ tenants }) => Object.keys(tenants));
}
