/** Registers the simulated fleet with Fairlead, over the same HTTP API that an operator's tools use. */
import { z } from 'zod';

const endpointSchema = z.object({ endpoint_id: z.string(), url: z.string() });
const shardSchema = z.object({
  kind: z.string(),
  shard_id: z.string(),
  endpoints: z.array(endpointSchema),
  weight: z.number(),
  labels: z.record(z.string(), z.string()),
});
const topologySchema = z.object({ shards: z.array(shardSchema), tenants: z.array(z.object({ tenant_id: z.string(), name: z.string() })) });
const shardListSchema = z.object({ items: z.array(shardSchema) });
const tenantListSchema = z.object({ items: z.array(z.object({ tenant_id: z.string() })), next_cursor: z.string().nullable() });

export interface SeedOptions {
  readonly gatewayUrl: string;
  readonly simUrl: string;
  /** Bearer token of `service:bootstrap`. */
  readonly token: string;
  readonly signal: AbortSignal;
}

const maxPages = 1_000;
const requestTimeoutMs = 20_000;

/**
 * Makes Fairlead know the fleet's shards and tenants. Touches only what differs: a second start changes nothing, and
 * weights, labels and states that an operator set stay.
 * @returns how many shards and tenants were registered or changed
 */
export async function seedFleet(options: SeedOptions): Promise<{ shards: number; tenants: number }> {
  const topology = topologySchema.parse(await request(options, 'GET', `${options.simUrl}/sim/topology`));
  return { shards: await seedShards(options, topology.shards), tenants: await seedTenants(options, topology.tenants) };
}

async function seedShards(options: SeedOptions, wanted: z.output<typeof shardSchema>[]): Promise<number> {
  const { items } = shardListSchema.parse(await request(options, 'GET', `${options.gatewayUrl}/admin/v1/shards`));
  const known = new Map(items.map((shard) => [`${shard.kind}/${shard.shard_id}`, shard]));
  let changed = 0;
  for (const shard of wanted) {
    const path = `${shard.kind}/${shard.shard_id}`;
    const existing = known.get(path);
    if (existing !== undefined && sameEndpoints(existing.endpoints, shard.endpoints)) continue;
    const body = existing === undefined ? { weight: shard.weight, labels: shard.labels } : { labels: existing.labels };
    await request(options, 'PUT', `${options.gatewayUrl}/admin/v1/shards/${path}`, { endpoints: shard.endpoints, ...body });
    changed += 1;
  }
  return changed;
}

function sameEndpoints(known: z.output<typeof endpointSchema>[], wanted: z.output<typeof endpointSchema>[]): boolean {
  const text = (endpoints: z.output<typeof endpointSchema>[]) =>
    endpoints
      .map(({ endpoint_id, url }) => `${endpoint_id} ${url}`)
      .sort()
      .join('\n');
  return text(known) === text(wanted);
}

async function seedTenants(options: SeedOptions, wanted: { tenant_id: string; name: string }[]): Promise<number> {
  const known = await knownTenants(options);
  const missing = wanted.filter(({ tenant_id }) => !known.has(tenant_id));
  for (const tenant of missing)
    await request(options, 'POST', `${options.gatewayUrl}/admin/v1/tenants`, tenant, `seed-${tenant.tenant_id}`);
  return missing.length;
}

async function knownTenants(options: SeedOptions): Promise<Set<string>> {
  const known = new Set<string>();
  let cursor: string | null = null;
  for (let page = 0; page < maxPages; page += 1) {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await request(options, 'GET', `${options.gatewayUrl}/admin/v1/tenants?limit=200${query}`);
    const list: z.output<typeof tenantListSchema> = tenantListSchema.parse(answer);
    for (const { tenant_id } of list.items) known.add(tenant_id);
    cursor = list.next_cursor;
    if (cursor === null) break;
  }
  return known;
}

async function request(options: SeedOptions, method: string, url: string, body?: object, idempotencyKey?: string): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(url.startsWith(options.gatewayUrl) ? { authorization: `Bearer ${options.token}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.any([options.signal, AbortSignal.timeout(requestTimeoutMs)]),
  });
  if (response.ok) return response.json();
  throw new Error(
    `${method} ${new URL(url).pathname} was answered with ${String(response.status)}: ${(await response.text()).slice(0, 500)}`,
  );
}
