import { Controller, Get, Headers, Inject, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { isTerminal } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { invalidField } from '../domain/invalid.js';
import { RequirePermission } from '../edge/access.js';
import { asCaller, jobsClient, present, type JobsClient } from '../edge/clients.js';
import { Caller, opaqueId, position } from '../edge/parse.js';
import type { JobStreams } from '../streams/job-events.js';

/** Under this Nest hands the streams to the controller. */
export const jobStreams = Symbol('streams of jobs');

const query = z.strictObject({ cursor: position.optional() });

@Controller('admin/v1/jobs')
export class JobEventsController {
  constructor(
    @Inject(jobsClient) private readonly jobs: JobsClient,
    @Inject(jobStreams) private readonly streams: JobStreams,
  ) {}

  /**
   * The job's events, from its beginning or after `cursor` (or `Last-Event-ID`), and then live; ends after the
   * one that ends the job, and when the token does. Asked again, it goes on with a job that was tried again since.
   */
  @Get(':id/events')
  @RequirePermission('job.read')
  async events(
    @Param('id', { schema: opaqueId }) jobId: string,
    @Query({ schema: query }) { cursor }: z.output<typeof query>,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Caller() caller: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const after = cursor ?? positionOf(lastEventId) ?? 0;
    const { job } = await this.jobs.getJob({ jobId }, asCaller());
    const finished = isTerminal(present(job, 'job').status);
    const stream = this.streams.open({ jobId, after, finished, expiresAtMs: caller.expiresAtMs });
    // A proxy that buffers would turn live into late.
    void reply.header('content-type', 'text/event-stream').header('x-accel-buffering', 'no').send(stream);
  }
}

function positionOf(lastEventId: string | undefined): number | undefined {
  if (lastEventId === undefined || lastEventId === '') return undefined;
  const parsed = position.safeParse(lastEventId);
  if (!parsed.success) throw invalidField('Last-Event-ID', 'is not a position');
  return parsed.data;
}
