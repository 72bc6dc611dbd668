import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import type { logV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { asCaller, logClient, orNull, present, type LogClient } from '../edge/clients.js';
import { pageOf, pageQuery, startNumberOf } from '../edge/paging.js';
import { position, text } from '../edge/parse.js';

const aggregateType = z.string('is not an aggregate type').regex(/^[a-z0-9_]{1,64}$/, 'is not an aggregate type');
const aggregateId = text(255);
/** Answer when the summaries have reached this position, which a write told in `x-fairlead-position`. */
const waitFor = { wait_for: position.optional() };
const listQuery = z.strictObject({ ...pageQuery, ...waitFor, type: aggregateType.optional(), prefix: text(255).optional() });
const getQuery = z.strictObject(waitFor);

const aggregateSchema = z
  .object({
    aggregate_type: z.string(),
    aggregate_id: z.string(),
    version: z.int(),
    first_position: z.int(),
    first_time: time,
    last_position: z.int(),
    last_time: time,
    event_counts: z.record(z.string(), z.int()),
    last_type: z.string(),
    last_principal: z.string(),
    tenant_id: z.string().nullable(),
  })
  .meta({ id: 'Aggregate' });

/** What the log tells of each aggregate. Its events: `/admin/v1/log/events?aggregate=<type>:<id>`. */
@Controller('admin/v1/log/aggregates')
export class LogAggregatesController {
  constructor(@Inject(logClient) private readonly log: LogClient) {}

  /** What changed last comes first; one that changes while pages are read moves to the front. */
  @Get()
  @RequirePermission('log.read')
  @Answers('Lists aggregates of the log, what changed last first.', page(aggregateSchema))
  async list(@Query({ schema: listQuery }) query: z.output<typeof listQuery>) {
    const { aggregates, nextBefore } = await this.log.listAggregates(
      {
        limit: query.limit,
        before: startNumberOf('aggregates', query.cursor) ?? 0,
        aggregateType: query.type ?? '',
        idPrefix: query.prefix ?? '',
        waitForPosition: query.wait_for ?? 0,
      },
      asCaller(),
    );
    return pageOf('aggregates', aggregates.map(aggregateView), nextBefore);
  }

  @Get(':type/:id')
  @RequirePermission('log.read')
  @Answers('Tells what the log knows of one aggregate.', aggregateSchema)
  async get(
    @Param('type', { schema: aggregateType }) type: string,
    @Param('id', { schema: aggregateId }) id: string,
    @Query({ schema: getQuery }) query: z.output<typeof getQuery>,
  ) {
    const request = { aggregateType: type, aggregateId: id, waitForPosition: query.wait_for ?? 0 };
    const { aggregate } = await this.log.getAggregate(request, asCaller());
    return aggregateView(present(aggregate, 'aggregate'));
  }
}

function aggregateView(aggregate: logV1.Aggregate) {
  return {
    aggregate_type: aggregate.aggregateType,
    aggregate_id: aggregate.aggregateId,
    version: aggregate.version,
    first_position: aggregate.firstPosition,
    first_time: aggregate.firstTime,
    last_position: aggregate.lastPosition,
    last_time: aggregate.lastTime,
    event_counts: aggregate.eventCounts,
    last_type: aggregate.lastType,
    last_principal: aggregate.lastPrincipal,
    tenant_id: orNull(aggregate.tenantId),
  };
}
