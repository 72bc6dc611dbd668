import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { RequirePermission } from '../edge/access.js';
import { Answers } from '../edge/answers.js';
import { asCaller, logClient, orNull, type LogClient } from '../edge/clients.js';

const position = z.int('is not a position').min(0, 'is not a position').max(999_999_999_999_999, 'is not a position');
const body = z.strictObject({
  /** Inclusive; the first when left out. */
  from: position.optional(),
  /** Inclusive; the head when left out. */
  to: position.optional(),
});

/** A range takes some seconds to check. */
const deadlineMs = 30_000;

const verifiedSchema = z
  .object({
    from: z.int(),
    to: z.int(),
    head: z.int(),
    next: z.int().nullable(),
    findings: z.array(z.object({ position: z.int().nullable(), kind: z.string(), message: z.string(), advice: z.string() })),
    stream_compared: z.int(),
    stream_problem: z.string().nullable(),
  })
  .meta({ id: 'LogVerified' });

/** Checks that the log is what it has to be; changes nothing. */
@Controller('admin/v1/log/verify')
export class LogVerifyController {
  constructor(@Inject(logClient) private readonly log: LogClient) {}

  /** As much of the range as one request may check; `next` is where to go on, null at the end. */
  @Post()
  @RequirePermission('log.read')
  @Answers('Checks as much of the log as one request may; changes nothing.', verifiedSchema)
  @HttpCode(200)
  async verify(@Body({ schema: body }) { from, to }: z.output<typeof body>) {
    const checked = await this.log.verifyRange({ fromPosition: from ?? 0, toPosition: to ?? 0 }, asCaller({ deadlineMs }));
    return {
      from: checked.fromPosition,
      to: checked.toPosition,
      head: checked.head,
      next: checked.nextPosition === 0 ? null : checked.nextPosition,
      findings: checked.findings.map(({ position: at, ...finding }) => ({ position: at === 0 ? null : at, ...finding })),
      stream_compared: checked.streamCompared,
      stream_problem: orNull(checked.streamProblem),
    };
  }
}
