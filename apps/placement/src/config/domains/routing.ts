/** By which host and path a request goes to which kind of service, and how patiently. Which shard serves a tenant is placement's. */
import { z } from 'zod';
import { namePattern, placedKinds, platformScope } from '@fairlead/contracts';
import { defineDomain, gatewaysOf, type World } from './define.js';
import type { Problem } from '../domain/problems.js';

const name = z.string().regex(namePattern, 'must be up to 63 lower-case letters, digits and inner hyphens');
const host = z.string().regex(/^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, 'must be a host name in lower case, or *. and one');
const pathPrefix = z
  .string()
  .regex(/^\/[A-Za-z0-9._~!$&'()*+,;=:@/-]*$/, 'must begin with / and hold nothing that has to be escaped in a path')
  .max(1_024, 'is too long');
const milliseconds = z.int('must be a whole number').min(1, 'must be 1 or more').max(600_000, 'must be 600000 or less');

const retry = z.strictObject({
  attempts: z.int('must be a whole number').min(1, 'must be 1 or more').max(10, 'must be 10 or less').default(1),
  backoff_ms: z.int('must be a whole number').min(0, 'must be 0 or more').max(60_000, 'must be 60000 or less').default(50),
});

const route = z.strictObject({
  id: name,
  /** Left out: any host. */
  hosts: z.array(host, 'must be a list of hosts').max(64, 'has too many hosts').default([]),
  path_prefix: pathPrefix,
  /** The kind whose shard of the tenant serves it, or fixed endpoints that no tenant is placed on. */
  to: z.union(
    [
      z.strictObject({ kind: z.enum(placedKinds) }),
      z.strictObject({ endpoints: z.array(z.string()).min(1, 'must name at least one endpoint').max(64, 'has too many endpoints') }),
    ],
    `must be {kind: ${placedKinds.join(' | ')}} or {endpoints: [URL, …]}`,
  ),
  timeout_ms: milliseconds.default(30_000),
  retry: retry.default({ attempts: 1, backoff_ms: 50 }),
});

const schema = z.strictObject({
  routes: z.array(route, 'must be a list of routes').min(1, 'must hold at least one route').max(500, 'has too many routes'),
  /** Where requests of a kind go that name no tenant. */
  default_shards: z.partialRecord(z.enum(placedKinds), name).default({}),
  /** Settings of single gateways, by shard. */
  gateways: z
    .record(
      name,
      z.strictObject({ max_inflight: z.int('must be a whole number').min(1, 'must be 1 or more').max(100_000, 'is too large') }),
    )
    .default({}),
});
type Routing = z.output<typeof schema>;

export const routing = defineDomain<Routing>({
  name: 'routing',
  tenantScopes: false,
  schema,
  defaults: schema.parse({ routes: [{ id: 'all', path_prefix: '/', to: { kind: 'aggregate' } }] }),
  followedByGateways: ({ name, scope }) => name === 'default' && scope === platformScope,
  tenantsOf: () => [],
  problems: (document, world) => [...problemsOfRoutes(document, world), ...problemsOfShards(document, world)],
  impact: (_before, _after, world) => ({ services: gatewaysOf(world), tenants: [], everyTenant: true }),
});

function problemsOfRoutes({ routes }: Routing, world: World): Problem[] {
  const ids = new Set<string>();
  const matches = new Set<string>();
  return routes.flatMap(({ id, hosts, path_prefix, to }, at) => {
    const found: Problem[] = [];
    const problem = (where: string, detail: string) => found.push({ pointer: `/routes/${String(at)}/${where}`, detail });
    if (ids.has(id)) problem('id', `the id ${id} stands twice`);
    ids.add(id);
    for (const one of hosts.length === 0 ? ['any host'] : hosts) {
      const match = `${one}${path_prefix}`;
      if (matches.has(match)) problem('path_prefix', `${path_prefix} of ${one} stands twice`);
      matches.add(match);
    }
    if ('kind' in to) {
      if (!world.shards.some(({ kind, state }) => kind === to.kind && state === 'active'))
        problem('to/kind', `there is no active ${to.kind} shard`);
    } else {
      to.endpoints.forEach((url, index) => {
        const why = world.endpointProblem(url);
        if (why !== undefined) problem(`to/endpoints/${String(index)}`, why);
      });
    }
    return found;
  });
}

function problemsOfShards({ default_shards, gateways }: Routing, { shards }: World): Problem[] {
  const isThere = (kind: string, id: string) => shards.some((shard) => shard.kind === kind && shard.shardId === id);
  return [
    ...Object.entries(default_shards).flatMap(([kind, id]) =>
      isThere(kind, id) ? [] : [{ pointer: `/default_shards/${kind}`, detail: `there is no ${kind} shard ${id}` }],
    ),
    ...Object.keys(gateways).flatMap((id) =>
      isThere('gateway', id) ? [] : [{ pointer: `/gateways/${id}`, detail: `there is no gateway shard ${id}` }],
    ),
  ];
}
