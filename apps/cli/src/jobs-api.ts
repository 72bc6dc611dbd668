/** What the gateway answers about locks, replicas and schedules. */
import { z } from 'zod';

const text = z.string().nullish();

export const lockSchema = z.looseObject({
  resource: z.string(),
  job_id: z.string(),
  kind: text,
  principal: text,
  asked_at: text,
  held_since: text,
  waiting: z.number(),
  waiters: z.array(z.looseObject({ job_id: z.string(), kind: text, principal: text, asked_at: text })),
});
export type Lock = z.output<typeof lockSchema>;

export const replicaSchema = z.looseObject({
  replica_id: z.string(),
  host: text,
  pid: z.number().nullish(),
  kinds: z.array(z.string()),
  started_at: text,
  heartbeat_at: text,
  lease_until: text,
  alive: z.boolean(),
  running: z.number(),
});
export type Replica = z.output<typeof replicaSchema>;

export const scheduleSchema = z.looseObject({
  schedule_id: z.string(),
  name: z.string(),
  kind: z.string(),
  params: z.record(z.string(), z.unknown()).nullish(),
  cron: z.string(),
  time_zone: text,
  missed: text,
  principal: text,
  reason: text,
  next_at: text,
  paused_at: text,
  last_at: text,
  last_job_id: text,
  last_error: z.looseObject({ code: text, message: text }).nullish(),
});
export type Schedule = z.output<typeof scheduleSchema>;

/** A schedule to be made. */
export interface NewSchedule {
  readonly name: string;
  readonly kind: string;
  readonly params: object;
  readonly cron: string;
  readonly time_zone: string;
  readonly missed: 'skip' | 'once';
  readonly reason: string;
}
