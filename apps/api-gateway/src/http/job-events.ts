import { Controller, Get, Headers, Inject, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { isTerminal } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { RequirePermission } from '../edge/access.js';
import { Answers } from '../edge/answers.js';
import { jobCursor } from '../edge/change-cursor.js';
import { asCaller, jobsClient, present, type JobsClient } from '../edge/clients.js';
import { Caller, opaqueId } from '../edge/parse.js';
import type { JobStreams } from '../streams/job-events.js';

/** Under this Nest hands the streams to the controller. */
export const jobStreams = Symbol('streams of jobs');

const query = z.strictObject({ cursor: z.string().max(64, 'is not a cursor').optional() });

@Controller('admin/v1/jobs')
export class JobEventsController {
  constructor(
    @Inject(jobsClient) private readonly jobs: JobsClient,
    @Inject(jobStreams) private readonly streams: JobStreams,
  ) {}

  /**
   * The job's events, from its beginning or after `cursor` (or `Last-Event-ID`), and then live; ends after the
   * one that ends the job, and when the token does. Behind a cursor that a restore of the log has outdated come the
   * events since what was restored. Asked again, it goes on with a job that was tried again since.
   */
  @Get(':id/events')
  @RequirePermission('job.read', { anywhere: true })
  @Answers('Tells a job’s events, from its beginning or a cursor on, and then live.', undefined, { events: 'always' })
  async events(
    @Param('id', { schema: opaqueId }) jobId: string,
    @Query({ schema: query }) { cursor }: z.output<typeof query>,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Caller() caller: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const after = jobCursor(cursor) ?? jobCursor(lastEventId, 'Last-Event-ID') ?? { position: 0 };
    const { job } = await this.jobs.getJob({ jobId }, asCaller());
    const finished = isTerminal(present(job, 'job').status);
    const stream = this.streams.open({ jobId, after, finished, expiresAtMs: caller.expiresAtMs });
    // A proxy that buffers would turn live into late.
    void reply.header('content-type', 'text/event-stream').header('x-accel-buffering', 'no').send(stream);
  }
}
