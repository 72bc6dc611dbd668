import { Controller, Get, Inject } from '@nestjs/common';
import type { logV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { asCaller, logClient, orNull, type LogClient } from '../edge/clients.js';

/** Where the log stands. */
@Controller('admin/v1/log/stats')
export class LogStatsController {
  constructor(@Inject(logClient) private readonly log: LogClient) {}

  /** `stream` is null while NATS is away; counts by type are estimated when the log is large. */
  @Get()
  @RequirePermission('log.read')
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
