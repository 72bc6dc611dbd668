import { Body, Controller, Get, Inject, Param, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { serviceKinds, type placementV1, type ServiceKind } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, wholeList } from '../edge/answers.js';
import { asCaller, placementClient, present, tellPosition, type PlacementClient } from '../edge/clients.js';
import { endpointId, etagOf, OptionalIfMatch, serviceKind, shardId, text } from '../edge/parse.js';

const endpoint = z.strictObject({
  endpoint_id: endpointId,
  url: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).max(2_048, 'is too long'),
});
const putBody = z.strictObject({
  endpoints: z.array(endpoint, 'must be a list of endpoints').max(64, 'has too many endpoints'),
  weight: z.int('must be a whole number').min(1, 'must be 1 or more').max(10_000, 'must be 10000 or less').optional(),
  labels: z.record(text(63), text(256)).default({}),
  state: z.enum(['active', 'cordoned'], 'must be active or cordoned').optional(),
  /** The load that balancing lets it have at most; null for no bound. */
  max_load: z.number('must be a number, or null').positive('must be above 0').max(1e12, 'must be 1e12 or less').nullable().optional(),
});
const listQuery = z.strictObject({ kind: serviceKind.optional() });

/** A shard without its own name. */
export const shardEntry = z
  .object({
    endpoints: z.array(z.object({ endpoint_id: z.string(), url: z.string() })),
    weight: z.int(),
    labels: z.record(z.string(), z.string()),
    state: z.string(),
    /** The load that balancing lets it have at most. */
    max_load: z.number().nullable(),
    revision: z.int(),
    tenants: z.int(),
  })
  .meta({ id: 'ShardEntry' });
const shardSchema = z.object({ kind: z.enum(serviceKinds), shard_id: z.string(), ...shardEntry.shape }).meta({ id: 'Shard' });

@Controller('admin/v1/shards')
export class ShardsController {
  constructor(@Inject(placementClient) private readonly placement: PlacementClient) {}

  /** All shards, or those of one kind: there are few, so one page holds them. */
  @Get()
  @RequirePermission('placement.read')
  @Answers('Lists all shards, or those of one kind.', wholeList(shardSchema))
  async list(@Query({ schema: listQuery }) { kind }: z.output<typeof listQuery>) {
    const { shards } = await this.placement.listShards({ kind: kind ?? '' }, asCaller());
    return {
      items: shards.map((shard) => ({ kind: shard.kind as ServiceKind, shard_id: shard.shardId, ...shardView(shard) })),
      next_cursor: null,
    };
  }

  /** Creates or replaces a shard's directory entry. A weight, state or highest load left out stays as it is. */
  @Put(':kind/:shard_id')
  @RequirePermission('placement.write')
  @Answers('Creates or replaces a shard’s directory entry.', shardSchema)
  async put(
    @Param('kind', { schema: serviceKind }) kind: string,
    @Param('shard_id', { schema: shardId }) id: string,
    @Body({ schema: putBody }) body: z.output<typeof putBody>,
    @OptionalIfMatch() expectedRevision: number | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const wanted: placementV1.Shard = {
      kind,
      shardId: id,
      endpoints: body.endpoints.map(({ endpoint_id, url }) => ({ endpointId: endpoint_id, url })),
      weight: body.weight ?? 0,
      labels: body.labels,
      state: body.state ?? '',
      maxLoad: body.max_load === null ? 0 : body.max_load,
      revision: 0,
      tenants: 0,
    };
    const response = await this.placement.putShard({ shard: wanted, expectedRevision: expectedRevision ?? 0 }, asCaller());
    const shard = present(response.shard, 'shard');
    tellPosition(reply, response.position);
    reply.header('etag', etagOf(shard.revision));
    return { kind: shard.kind as ServiceKind, shard_id: shard.shardId, ...shardView(shard) };
  }
}

/** A shard without its own name. */
export function shardView(shard: placementV1.Shard) {
  return {
    endpoints: shard.endpoints.map(({ endpointId, url }) => ({ endpoint_id: endpointId, url })),
    weight: shard.weight,
    labels: shard.labels,
    state: shard.state,
    max_load: shard.maxLoad ?? null,
    revision: shard.revision,
    tenants: shard.tenants,
  };
}
