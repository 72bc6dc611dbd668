import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { placedKinds, type PlacedKind, type placementV1 } from '@fairlead/contracts';
import type { KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import {
  asCaller,
  auditClient,
  jobsClient,
  placementClient,
  present,
  tellPosition,
  type AuditClient,
  type JobsClient,
  type PlacementClient,
} from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { IdempotencyKey, placedKind, shardId, tenantId, text } from '../edge/parse.js';
import { auditPage, listQuery as anyAudit, recordsPage } from './audit.js';
import { jobSchema, jobsPage, listQuery as anyJobs } from './jobs.js';

const listQuery = z
  .strictObject({ ...pageQuery, kind: placedKind.optional(), shard_id: shardId.optional() })
  .refine(({ kind, shard_id }) => (kind === undefined) === (shard_id === undefined), 'kind and shard_id go together');
const [jobsQuery, auditQuery] = [anyJobs.omit({ tenant: true }), anyAudit.omit({ tenant: true })];
const createBody = z.strictObject({
  tenant_id: tenantId,
  name: text(200),
  placement: z.partialRecord(placedKind, shardId).default({}),
});

const tenantSchema = z
  .object({
    tenant_id: z.string(),
    name: z.string(),
    created_at: time,
    /** By kind. */
    placement: z.partialRecord(z.enum(placedKinds), z.object({ shard: z.string(), revision: z.int() })),
  })
  .meta({ id: 'Tenant' });

@Controller('admin/v1/tenants')
export class TenantsController {
  constructor(
    @Inject(placementClient) private readonly placement: PlacementClient,
    @Inject(jobsClient) private readonly jobs: JobsClient,
    @Inject(auditClient) private readonly audit: AuditClient,
  ) {}

  /** In the order of their ids; those on one shard alone when the query names it. */
  @Get()
  @RequirePermission('tenant.read', { anywhere: true })
  @Answers('Lists the tenants that the caller may read, in the order of their ids.', page(tenantSchema))
  async list(@Query({ schema: listQuery }) { limit, cursor, kind, shard_id }: z.output<typeof listQuery>) {
    const request = { limit, after: startOf('tenants', cursor) ?? '', kind: kind ?? '', shardId: shard_id ?? '' };
    const { tenants, nextAfter } = await this.placement.listTenants(request, asCaller());
    return pageOf('tenants', tenants.map(tenantView), nextAfter);
  }

  @Get(':id')
  @RequirePermission('tenant.read', { scoped: true, tenant: 'id' })
  @Answers('Tells where a tenant is.', tenantSchema)
  async get(@Param('id', { schema: tenantId }) id: string) {
    const { tenant } = await this.placement.getTenant({ tenantId: id }, asCaller());
    return tenantView(present(tenant, 'tenant'));
  }

  /** Newest first. */
  @Get(':id/jobs')
  @RequirePermission('job.read', { tenant: 'id' })
  @Answers('Lists a tenant’s jobs, the newest first.', page(jobSchema))
  listJobs(@Param('id', { schema: tenantId }) id: string, @Query({ schema: jobsQuery }) query: z.output<typeof jobsQuery>) {
    return jobsPage(this.jobs, { ...query, tenant: id });
  }

  /** Newest first. */
  @Get(':id/audit')
  @RequirePermission('audit.read', { tenant: 'id' })
  @Answers('Lists the trail of a tenant, the newest first.', auditPage)
  listAudit(@Param('id', { schema: tenantId }) id: string, @Query({ schema: auditQuery }) query: z.output<typeof auditQuery>) {
    return recordsPage(this.audit, { ...query, tenant: id });
  }

  @Post()
  @RequirePermission('tenant.write')
  @Answers('Registers a tenant; the shards it is not given are chosen.', tenantSchema)
  async create(
    @Body({ schema: createBody }) body: z.output<typeof createBody>,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const request = { tenantId: body.tenant_id, name: body.name, placement: body.placement as Record<string, string>, idempotencyKey: key };
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
    placement: Object.fromEntries(
      tenant.assignments.map(({ kind, shardId, revision }) => [kind as PlacedKind, { shard: shardId, revision }]),
    ),
  };
}
