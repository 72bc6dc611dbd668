import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { placementV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { asCaller, placementClient, present, tellPosition, type PlacementClient } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { IdempotencyKey, placedKind, shardId, tenantId, text } from '../edge/parse.js';

const listQuery = z
  .strictObject({ ...pageQuery, kind: placedKind.optional(), shard_id: shardId.optional() })
  .refine(({ kind, shard_id }) => (kind === undefined) === (shard_id === undefined), 'kind and shard_id go together');
const createBody = z.strictObject({
  tenant_id: tenantId,
  name: text(200),
  placement: z.partialRecord(placedKind, shardId).default({}),
});

@Controller('admin/v1/tenants')
export class TenantsController {
  constructor(@Inject(placementClient) private readonly placement: PlacementClient) {}

  /** In the order of their ids; those on one shard alone when the query names it. */
  @Get()
  @RequirePermission('tenant.read')
  async list(@Query({ schema: listQuery }) { limit, cursor, kind, shard_id }: z.output<typeof listQuery>) {
    const request = { limit, after: startOf('tenants', cursor) ?? '', kind: kind ?? '', shardId: shard_id ?? '' };
    const { tenants, nextAfter } = await this.placement.listTenants(request, asCaller());
    return pageOf('tenants', tenants.map(tenantView), nextAfter);
  }

  @Get(':id')
  @RequirePermission('tenant.read')
  async get(@Param('id', { schema: tenantId }) id: string) {
    const { tenant } = await this.placement.getTenant({ tenantId: id }, asCaller());
    return tenantView(present(tenant, 'tenant'));
  }

  /** The tenant's id makes repeats of this harmless; the key is asked for as everywhere. */
  @Post()
  @RequirePermission('tenant.write')
  async create(
    @Body({ schema: createBody }) body: z.output<typeof createBody>,
    @IdempotencyKey() _key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const request = { tenantId: body.tenant_id, name: body.name, placement: body.placement as Record<string, string> };
    const { tenant, position } = await this.placement.createTenant(request, asCaller());
    tellPosition(reply, position);
    reply.header('location', `/admin/v1/tenants/${body.tenant_id}`);
    return tenantView(present(tenant, 'tenant'));
  }
}

function tenantView(tenant: placementV1.Tenant) {
  return {
    tenant_id: tenant.tenantId,
    name: tenant.name,
    created_at: tenant.createdAt,
    placement: Object.fromEntries(tenant.assignments.map(({ kind, shardId, revision }) => [kind, { shard: shardId, revision }])),
  };
}
