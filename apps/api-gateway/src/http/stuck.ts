import { Controller, Get, Inject } from '@nestjs/common';
import { z } from 'zod';
import { describeError, jobsV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, time, wholeList } from '../edge/answers.js';
import { asCaller, jobsClient, logClient, orNull, type JobsClient, type LogClient } from '../edge/clients.js';

/** Jobs told at most, of each sort. */
const maxJobs = 50;
/** As long as a projection may be paused before it is told. */
const pausedTooLongMs = 15 * 60_000;

interface Finding {
  readonly what: string;
  readonly subject: string;
  readonly severity: string;
  readonly since: string | null;
  readonly message: string;
  readonly advice: string;
}
interface NotChecked {
  readonly what: string;
  readonly why: string;
}

const findingSchema = z
  .object({
    what: z.string(),
    subject: z.string(),
    severity: z.string(),
    since: time.nullable(),
    message: z.string(),
    advice: z.string(),
  })
  .meta({ id: 'Finding' });
const stuckSchema = z.object({
  ...wholeList(findingSchema).shape,
  not_checked: z.array(z.object({ what: z.string(), why: z.string() })),
});

/** What does not get on by itself, each with what to do. */
@Controller('admin/v1/stuck')
export class StuckController {
  constructor(
    @Inject(logClient) private readonly log: LogClient,
    @Inject(jobsClient) private readonly jobs: JobsClient,
  ) {}

  /** `not_checked` tells what could not be looked at: nothing is known of it. */
  @Get()
  @RequirePermission('log.read')
  @Answers('Lists what does not get on by itself, each with what to do.', stuckSchema)
  async list() {
    const parts = await Promise.all([this.ofTheLog(), this.ofJobs()]);
    return { items: parts.flatMap(({ items }) => items), next_cursor: null, not_checked: parts.flatMap((part) => part.notChecked) };
  }

  private async ofTheLog(): Promise<{ items: Finding[]; notChecked: NotChecked[] }> {
    try {
      const { findings, notChecked } = await this.log.listStuck({}, asCaller());
      return { items: findings.map(({ since, ...finding }) => ({ ...finding, since: orNull(since) })), notChecked };
    } catch (error) {
      return { items: [], notChecked: [{ what: 'log', why: describeError(error) }] };
    }
  }

  private async ofJobs(): Promise<{ items: Finding[]; notChecked: NotChecked[] }> {
    try {
      const ask = (filter: object) => this.jobs.listJobs(jobsV1.ListJobsRequest.fromPartial({ limit: maxJobs, ...filter }), asCaller());
      const [failed, paused] = await Promise.all([ask({ status: 'needs_attention' }), ask({ paused: true })]);
      return { items: [...failed.jobs.map(failedJob), ...paused.jobs.filter(pausedLong).map(pausedJob)], notChecked: [] };
    } catch (error) {
      return { items: [], notChecked: [{ what: 'jobs', why: describeError(error) }] };
    }
  }
}

function failedJob(job: jobsV1.Job): Finding {
  const why = job.error?.message ?? '';
  return {
    what: 'job_needs_attention',
    subject: job.jobId,
    severity: 'critical',
    since: orNull(job.finishedAt) ?? orNull(job.startedAt),
    message: why === '' ? `${job.kind} needs attention` : `${job.kind}: ${why}`,
    advice: `fairlead job show ${job.jobId}; cure the cause, then fairlead job retry ${job.jobId} --reason …`,
  };
}

/** What somebody has paused goes on only when somebody lets it; told once they may have forgotten it. */
function pausedLong({ pausedAt }: jobsV1.Job): boolean {
  return Date.now() - Date.parse(pausedAt) > pausedTooLongMs;
}

function pausedJob(job: jobsV1.Job): Finding {
  return {
    what: 'job_paused',
    subject: job.jobId,
    severity: 'warning',
    since: orNull(job.pausedAt),
    message: `${job.kind} was paused by ${job.pausedBy}`,
    advice: `fairlead job show ${job.jobId}; let it go on with: fairlead job unpause ${job.jobId} --reason …`,
  };
}
