import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import type { logV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { asCaller, logClient, present, type LogClient } from '../edge/clients.js';
import { pageOf, pageQuery, startNumberOf } from '../edge/paging.js';
import { aggregate, eventType, externalId, opaqueId, position, principalId, sequence, tenantId } from '../edge/parse.js';

const listQuery = z.strictObject({
  ...pageQuery,
  order: z.enum(['newest', 'oldest'], 'must be newest or oldest').default('newest'),
  /** The range of positions to look at, inclusive. */
  from: position.optional(),
  to: position.optional(),
  type: eventType.optional(),
  aggregate: aggregate.optional(),
  tenant: tenantId.optional(),
  principal: principalId.optional(),
  request_id: externalId.optional(),
  correlation_id: externalId.optional(),
  trace_id: externalId.optional(),
  job_id: opaqueId.optional(),
});

const logEventSchema = z
  .object({
    position: z.int(),
    recorded_at: time,
    aggregate_type: z.string(),
    aggregate_id: z.string(),
    version: z.int(),
    type: z.string(),
    schema_version: z.int(),
    payload: z.unknown(),
    meta: z.unknown(),
  })
  .meta({ id: 'LogEvent' });
const neighbours = { previous_position: z.int().nullable(), next_position: z.int().nullable() };

/** The events of the log as they are. */
@Controller('admin/v1/log/events')
export class LogEventsController {
  constructor(@Inject(logClient) private readonly log: LogClient) {}

  /**
   * By position, newest or oldest first. What one request looks at is bounded: a page may hold fewer events than asked
   * for, or none, and still have a cursor to go on from.
   */
  @Get()
  @RequirePermission('log.read')
  @Answers(
    'Lists events of the log by position; a page may hold none and still have a cursor.',
    page(logEventSchema).extend({ head: z.int() }),
  )
  async list(@Query({ schema: listQuery }) query: z.output<typeof listQuery>) {
    const list = `log${query.order}`;
    const { events, nextCursor, head } = await this.log.listEvents(
      {
        limit: query.limit,
        oldestFirst: query.order === 'oldest',
        cursor: startNumberOf(list, query.cursor) ?? 0,
        fromPosition: query.from ?? 0,
        toPosition: query.to ?? 0,
        aggregateType: query.aggregate?.type ?? '',
        aggregateId: query.aggregate?.id ?? '',
        eventType: query.type ?? '',
        tenantId: query.tenant ?? '',
        principal: query.principal ?? '',
        requestId: query.request_id ?? '',
        correlationId: query.correlation_id ?? '',
        traceId: query.trace_id ?? '',
        jobId: query.job_id ?? '',
      },
      asCaller(),
    );
    return { ...pageOf(list, events.map(logEventView), nextCursor), head };
  }

  @Get(':position')
  @RequirePermission('log.read')
  @Answers('Tells one event of the log.', logEventSchema.extend(neighbours).meta({ id: 'LogEventBetween' }))
  async get(@Param('position', { schema: sequence }) at: number) {
    const { event, previousPosition, nextPosition } = await this.log.getEvent({ position: at }, asCaller());
    return {
      ...logEventView(present(event, 'event')),
      previous_position: previousPosition === 0 ? null : previousPosition,
      next_position: nextPosition === 0 ? null : nextPosition,
    };
  }
}

/** An event as the API shows it. */
export function logEventView(event: logV1.LogEvent) {
  return {
    position: event.position,
    recorded_at: event.recordedAt,
    aggregate_type: event.aggregateType,
    aggregate_id: event.aggregateId,
    version: event.version,
    type: event.type,
    schema_version: event.schemaVersion,
    payload: JSON.parse(event.payloadJson) as unknown,
    meta: JSON.parse(event.metaJson) as unknown,
  };
}
