/** The gateway's routes on the event log and its projections. */
import { z } from 'zod';
import type { HttpClient } from './http/client.js';

const text = z.string().nullish();
const count = z.number().nullish();

export const logEventSchema = z.looseObject({
  position: z.number(),
  recorded_at: z.string(),
  aggregate_type: z.string(),
  aggregate_id: z.string(),
  version: z.number(),
  type: z.string(),
  schema_version: count,
  // Shown as they are stored: the log may hold what older or foreign writers put there.
  payload: z.unknown(),
  meta: z.unknown(),
});
export type LogEvent = z.output<typeof logEventSchema>;

const wholeEventSchema = z.looseObject({ ...logEventSchema.shape, previous_position: count, next_position: count });
export type WholeEvent = z.output<typeof wholeEventSchema>;

export const logStatsSchema = z.looseObject({
  head: z.number(),
  incarnation: z.string(),
  recorded_at: text,
  incarnations: z.array(z.looseObject({ incarnation: z.string(), began_after: count, began_at: text })),
  rates: z.array(z.looseObject({ window: z.string(), events: z.number(), per_second: z.number() })),
  types: z.array(z.looseObject({ aggregate_type: z.string(), events: z.number() })),
  types_estimated: z.boolean(),
  partitions: z.array(
    z.looseObject({ name: z.string(), from_position: count, until_position: count, sealed: z.boolean(), bytes: count, tablespace: text }),
  ),
  stream: z
    .looseObject({ name: z.string(), first_position: count, last_position: count, messages: count, bytes: count, lag: z.number() })
    .nullable(),
  projections: z.array(z.looseObject({ name: z.string(), position: z.number(), lag: z.number(), state: z.string() })),
  tables: z.array(z.looseObject({ name: z.string(), rows_estimate: count, bytes: count })),
});
export type LogStats = z.output<typeof logStatsSchema>;

const findingSchema = z.looseObject({ position: count, kind: z.string(), message: z.string(), advice: z.string() });
export type LogFinding = z.output<typeof findingSchema>;
const verifiedSchema = z.looseObject({
  from: z.number(),
  to: z.number(),
  head: z.number(),
  next: z.number().nullable(),
  findings: z.array(findingSchema),
  stream_compared: z.number(),
  stream_problem: text,
});

export const aggregateSchema = z.looseObject({
  aggregate_type: z.string(),
  aggregate_id: z.string(),
  version: z.number(),
  first_position: count,
  first_time: text,
  last_position: count,
  last_time: text,
  event_counts: z.record(z.string(), z.number()),
  last_type: text,
  last_principal: text,
  tenant_id: text,
});
export type Aggregate = z.output<typeof aggregateSchema>;

const stuckSchema = z.looseObject({
  what: z.string(),
  subject: z.string(),
  severity: z.string(),
  since: text,
  message: text,
  advice: text,
});
const stuckListSchema = z.looseObject({
  items: z.array(stuckSchema),
  not_checked: z.array(z.looseObject({ what: z.string(), why: text })),
});
export type StuckList = z.output<typeof stuckListSchema>;

const stopSchema = z.looseObject({ position: z.number(), reason: text, part: count, since: text }).nullable();
const epochSchema = z.looseObject({
  epoch: z.number(),
  serving: z.boolean(),
  version: count,
  position: z.number(),
  parts: count,
  stopped: stopSchema,
  rebuild: z.looseObject({ from: z.number(), head: z.number(), events_per_second: count, started_at: text }).nullable(),
});
export const projectionSchema = z.looseObject({
  name: z.string(),
  owner: text,
  state: z.string(),
  paused: z.boolean(),
  rebuild_requested: z.boolean(),
  position: z.number(),
  lag: z.number(),
  lag_seconds: count,
  updated_at: text,
  epochs: z.array(epochSchema),
});
export type Projection = z.output<typeof projectionSchema>;

/** Decisions about a projection, as the routes name them. */
export type ProjectionDecision = 'pause' | 'resume' | 'rebuild' | 'cancel-rebuild' | 'skip';

/** Binds these routes to a client. */
export function createLogApi(http: HttpClient) {
  const projectionPath = (name: string) => `/admin/v1/projections/${encodeURIComponent(name)}`;
  return {
    logEvent: (position: number) => http.json(wholeEventSchema, `/admin/v1/log/events/${position}`),
    logStats: () => http.json(logStatsSchema, '/admin/v1/log/stats'),
    /** Checks as much of a range as one request may; it changes nothing, so it may be repeated. */
    verifyLog: (range: { from?: number; to?: number }) =>
      http.json(verifiedSchema, '/admin/v1/log/verify', { method: 'POST', body: range, repeatable: true }),
    aggregate: (type: string, id: string) =>
      http.json(aggregateSchema, `/admin/v1/log/aggregates/${encodeURIComponent(type)}/${encodeURIComponent(id)}`),
    stuck: () => http.json(stuckListSchema, '/admin/v1/stuck'),

    projections: () => http.json(z.looseObject({ items: z.array(projectionSchema) }), '/admin/v1/projections'),
    projection: (name: string, signal?: AbortSignal) => http.json(projectionSchema, projectionPath(name), { signal }),
    decideProjection: (name: string, decision: ProjectionDecision, body: object) =>
      http.json(projectionSchema, `${projectionPath(name)}/${decision}`, { method: 'POST', body }),
  };
}
