import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { jobsV1 } from '@fairlead/contracts';
import type { KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, time, wholeList } from '../edge/answers.js';
import { asCaller, jobsClient, orNull, present, type JobsClient } from '../edge/clients.js';
import { IdempotencyKey, jsonObject, opaqueId, reason, scheduleName, text } from '../edge/parse.js';
import { errorView, jobErrorSchema } from './jobs.js';

const createBody = z.strictObject({
  name: scheduleName,
  kind: opaqueId,
  /** Those of the job kind, as its plans tell them. */
  params: jsonObject,
  /** Five parts: minute, hour, day of the month, month, day of the week. */
  cron: text(100),
  time_zone: text(64).default('UTC'),
  /** What becomes of turns that nobody could take: left out, or made up for by one job. */
  missed: z.enum(['skip', 'once'], 'must be skip or once').default('once'),
  reason,
});
const decisionBody = z.strictObject({ reason });
type DecisionBody = z.output<typeof decisionBody>;

const scheduleSchema = z
  .object({
    schedule_id: z.string(),
    name: z.string(),
    kind: z.string(),
    params: z.record(z.string(), z.unknown()),
    cron: z.string(),
    time_zone: z.string(),
    missed: z.string(),
    principal: z.string(),
    reason: z.string(),
    created_at: time,
    next_at: time.nullable(),
    paused_at: time.nullable(),
    last_at: time.nullable(),
    last_job_id: z.string().nullable(),
    last_error: jobErrorSchema.nullable(),
  })
  .meta({ id: 'Schedule' });

/** Jobs that are started by the clock, as who made the schedule. */
@Controller('admin/v1/schedules')
export class SchedulesController {
  constructor(@Inject(jobsClient) private readonly jobs: JobsClient) {}

  /** By name: there are few. Those of tenants on which the caller may read them. */
  @Get()
  @RequirePermission('schedule.read', { anywhere: true })
  @Answers('Lists schedules by name, as far as the caller may read them.', wholeList(scheduleSchema))
  async list() {
    const { schedules } = await this.jobs.listSchedules({}, asCaller());
    return { items: schedules.map(scheduleView), next_cursor: null };
  }

  @Post()
  @RequirePermission('schedule.manage', { anywhere: true })
  @Answers('Makes a schedule by which jobs are started.', scheduleSchema)
  async create(
    @Body({ schema: createBody }) body: z.output<typeof createBody>,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { time_zone: timeZone, ...rest } = body;
    const { schedule } = await this.jobs.createSchedule({ ...rest, timeZone, idempotencyKey: key }, asCaller());
    reply.header('location', `/admin/v1/schedules/${body.name}`);
    return scheduleView(present(schedule, 'schedule'));
  }

  /** By id or name, as all of them. */
  @Post(':id/pause')
  @RequirePermission('schedule.manage', { anywhere: true })
  @Answers('Starts no jobs by a schedule until it is let go on.')
  @HttpCode(204)
  async pause(@Param('id', { schema: opaqueId }) schedule: string, @Body({ schema: decisionBody }) body: DecisionBody): Promise<void> {
    await this.jobs.changeSchedule({ schedule, change: 'pause', reason: body.reason }, asCaller());
  }

  /** Turns that were due meanwhile are not made up for. */
  @Post(':id/resume')
  @RequirePermission('schedule.manage', { anywhere: true })
  @Answers('Starts jobs by a paused schedule again.')
  @HttpCode(204)
  async resume(@Param('id', { schema: opaqueId }) schedule: string, @Body({ schema: decisionBody }) body: DecisionBody): Promise<void> {
    await this.jobs.changeSchedule({ schedule, change: 'resume', reason: body.reason }, asCaller());
  }

  /** Jobs that it has started go on. The reason is in the body. */
  @Delete(':id')
  @RequirePermission('schedule.manage', { anywhere: true })
  @Answers('Deletes a schedule; jobs that it has started go on.')
  @HttpCode(204)
  async delete(@Param('id', { schema: opaqueId }) schedule: string, @Body({ schema: decisionBody }) body: DecisionBody): Promise<void> {
    await this.jobs.changeSchedule({ schedule, change: 'delete', reason: body.reason }, asCaller());
  }
}

function scheduleView(schedule: jobsV1.Schedule) {
  return {
    schedule_id: schedule.scheduleId,
    name: schedule.name,
    kind: schedule.kind,
    params: schedule.params ?? {},
    cron: schedule.cron,
    time_zone: schedule.timeZone,
    missed: schedule.missed,
    principal: schedule.principal,
    reason: schedule.reason,
    created_at: schedule.createdAt,
    next_at: orNull(schedule.nextAt),
    paused_at: orNull(schedule.pausedAt),
    last_at: orNull(schedule.lastAt),
    last_job_id: orNull(schedule.lastJobId),
    last_error: errorView(schedule.lastError),
  };
}
