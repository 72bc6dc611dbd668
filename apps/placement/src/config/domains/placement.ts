/** How placement is to be decided. Where each tenant is stands in placement itself. */
import { z } from 'zod';
import { namePattern, placedKinds } from '@fairlead/contracts';
import type { Content } from '../domain/canonical.js';
import { defineDomain, withoutRetired, type World } from './define.js';
import type { Problem } from '../domain/problems.js';

const name = z.string().regex(namePattern, 'must be up to 63 lower-case letters, digits and inner hyphens');
const whole = (least: number, most: number) =>
  z
    .int('must be a whole number')
    .min(least, `must be ${String(least)} or more`)
    .max(most, `must be ${String(most)} or less`);

const pin = z.strictObject({
  tenants: z.array(name, 'must be a list of tenants').min(1, 'must name at least one tenant').max(1_000, 'has too many tenants'),
  kind: z.enum(placedKinds),
  /** Shards with these labels, or the one shard. */
  on: z.union(
    [
      z.strictObject({ shard: name }),
      z.strictObject({ labels: z.record(z.string(), z.string()).refine((labels) => Object.keys(labels).length > 0, 'must name a label') }),
    ],
    'must be {shard: id} or {labels: {name: value, …}}',
  ),
});

const schema = z.strictObject({
  /** How far from even shards may be, in percent of their share, before tenants are moved for it. */
  tolerance_percent: whole(0, 1_000).default(5),
  /** How long a tenant stays where it is after a move. */
  cooldown_seconds: whole(0, 30 * 86_400).default(3_600),
  move_budget: z
    .strictObject({ parallel: whole(1, 16).default(2), per_hour: whole(0, 10_000).default(60) })
    .default({ parallel: 2, per_hour: 60 }),
  pins: z.array(pin, 'must be a list of pins').max(1_000, 'has too many pins').default([]),
});
export type Policy = z.output<typeof schema>;

/** The document by which placement is decided. */
export const policyIdentity = { domain: 'placement', name: 'default', scope: 'platform' } as const;

/** Members that documents had once, and that meant nothing. */
const retired = ['default_kinds'];

/** A revision's content, which was judged when it was written. Throws for another form. */
export function policyOf(content: string): Policy {
  return schema.parse(withoutRetired({ retired }, JSON.parse(content) as Content));
}

export const placement = defineDomain<Policy>({
  name: 'placement',
  tenantScopes: false,
  schema,
  retired,
  defaults: schema.parse({}),
  followedByGateways: () => false,
  tenantsOf: ({ pins }) => pins.flatMap(({ tenants }) => tenants),
  problems: ({ pins }, world) => [...pins.flatMap((one, at) => problemsOfPin(one, at, world)), ...pinnedTwice(pins)],
  impact: (before, after) => ({
    services: ['placement'],
    tenants: [...new Set([...before.pins, ...after.pins].flatMap(({ tenants }) => tenants))].sort(),
    everyTenant: false,
  }),
});

function problemsOfPin({ tenants, kind, on }: z.output<typeof pin>, at: number, world: World): Problem[] {
  const pointer = `/pins/${String(at)}`;
  const shards = world.shards.filter((shard) => shard.kind === kind);
  const unknown = tenants.flatMap((tenant, index) =>
    world.tenants.has(tenant) ? [] : [{ pointer: `${pointer}/tenants/${String(index)}`, detail: `there is no tenant ${tenant}` }],
  );
  if ('shard' in on)
    return shards.some(({ shardId }) => shardId === on.shard)
      ? unknown
      : [...unknown, { pointer: `${pointer}/on/shard`, detail: `there is no ${kind} shard ${on.shard}` }];
  const fits = shards.some(
    ({ state, labels }) => state === 'active' && Object.entries(on.labels).every(([label, value]) => labels[label] === value),
  );
  return fits ? unknown : [...unknown, { pointer: `${pointer}/on/labels`, detail: `no active ${kind} shard has these labels` }];
}

function pinnedTwice(pins: Policy['pins']): Problem[] {
  const seen = new Set<string>();
  return pins.flatMap(({ tenants, kind }, at) =>
    tenants.flatMap((tenant, index) => {
      const key = `${kind}/${tenant}`;
      if (!seen.has(key)) {
        seen.add(key);
        return [];
      }
      return [{ pointer: `/pins/${String(at)}/tenants/${String(index)}`, detail: `${tenant} is pinned twice for ${kind}` }];
    }),
  );
}
