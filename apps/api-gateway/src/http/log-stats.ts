import { Controller, Get, Inject } from '@nestjs/common';
import { z } from 'zod';
import type { logV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, time } from '../edge/answers.js';
import { asCaller, logClient, orNull, type LogClient } from '../edge/clients.js';

const statsSchema = z
  .object({
    head: z.int(),
    incarnation: z.string(),
    recorded_at: time.nullable(),
    incarnations: z.array(z.object({ incarnation: z.string(), began_after: z.int(), began_at: time })),
    rates: z.array(z.object({ window: z.string(), events: z.int(), per_second: z.number() })),
    types: z.array(z.object({ aggregate_type: z.string(), events: z.int() })),
    types_estimated: z.boolean(),
    partitions: z.array(
      z.object({
        name: z.string(),
        from_position: z.int(),
        until_position: z.int(),
        sealed: z.boolean(),
        bytes: z.int(),
        tablespace: z.string(),
      }),
    ),
    stream: z
      .object({
        name: z.string(),
        incarnation: z.string().nullable(),
        first_position: z.int(),
        last_position: z.int(),
        messages: z.int(),
        bytes: z.int(),
        lag: z.int(),
      })
      .nullable(),
    projections: z.array(z.object({ name: z.string(), position: z.int(), lag: z.int(), state: z.string() })),
    tables: z.array(z.object({ name: z.string(), rows_estimate: z.int(), bytes: z.int() })),
  })
  .meta({ id: 'LogStats' });

/** Where the log stands. */
@Controller('admin/v1/log/stats')
export class LogStatsController {
  constructor(@Inject(logClient) private readonly log: LogClient) {}

  /** `stream` is null while NATS is away; counts by type are estimated when the log is large. */
  @Get()
  @RequirePermission('log.read')
  @Answers('Tells where the log stands.', statsSchema)
  async get() {
    return statsView(await this.log.getStats({}, asCaller()));
  }
}

function statsView(stats: logV1.GetStatsResponse) {
  return {
    head: stats.head,
    incarnation: stats.incarnation,
    recorded_at: orNull(stats.recordedAt),
    incarnations: stats.incarnations.map(({ incarnation, beganAfter, beganAt }) => ({
      incarnation,
      began_after: beganAfter,
      began_at: beganAt,
    })),
    rates: stats.rates.map(({ window, events, perSecond }) => ({ window, events, per_second: perSecond })),
    types: stats.types.map(({ aggregateType, events }) => ({ aggregate_type: aggregateType, events })),
    types_estimated: stats.typesEstimated,
    partitions: stats.partitions.map((partition) => ({
      name: partition.name,
      from_position: partition.fromPosition,
      until_position: partition.untilPosition,
      sealed: partition.sealed,
      bytes: partition.bytes,
      tablespace: partition.tablespace,
    })),
    stream: stats.stream === undefined ? null : streamView(stats.stream),
    projections: stats.projections,
    tables: stats.tables.map(({ name, rowsEstimate, bytes }) => ({ name, rows_estimate: rowsEstimate, bytes })),
  };
}

function streamView(stream: logV1.EventStream) {
  return {
    name: stream.name,
    incarnation: orNull(stream.incarnation),
    first_position: stream.firstPosition,
    last_position: stream.lastPosition,
    messages: stream.messages,
    bytes: stream.bytes,
    lag: stream.lag,
  };
}
