import { Controller, Get, Headers, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { decodeJwt } from 'jose';
import { z } from 'zod';
import { isTerminal } from '@fairlead/contracts';
import { invalidField } from '../domain/invalid.js';
import { RequirePermission } from '../edge/access.js';
import { asCaller, jobsClient, present, type JobsClient } from '../edge/clients.js';
import { contextOf } from '../edge/context.js';
import { opaqueId, position } from '../edge/parse.js';
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
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const after = cursor ?? positionOf(lastEventId) ?? 0;
    const { job } = await this.jobs.getJob({ jobId }, asCaller());
    const finished = isTerminal(present(job, 'job').status);
    const stream = this.streams.open({ jobId, after, finished, expiresAtMs: expiryOf(request) });
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

/** When the caller's token ends, in ms since 1970; it has been verified. */
function expiryOf(request: FastifyRequest): number {
  return (decodeJwt(contextOf(request).bearer ?? '').exp ?? 0) * 1_000;
}
