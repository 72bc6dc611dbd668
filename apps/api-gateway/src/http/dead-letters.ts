import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { auditV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, page } from '../edge/answers.js';
import { asCaller, auditClient, orNull, present, tellPosition, type AuditClient } from '../edge/clients.js';
import { pageOf, pageQuery, startNumberOf } from '../edge/paging.js';
import { consumerName, reason, sequence } from '../edge/parse.js';

const listQuery = z.strictObject({ ...pageQuery, consumer: consumerName.optional() });
const settleBody = z.strictObject({ reason });
type SettleBody = z.output<typeof settleBody>;

const letterSchema = z
  .object({
    sequence: z.int(),
    dead_letter_id: z.string(),
    consumer: z.string().nullable(),
    original: z.object({ stream: z.string(), subject: z.string(), sequence: z.int() }),
    deliveries: z.int(),
    replays: z.int(),
    error: z.string(),
    failed_at: z.string(),
    payload: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'DeadLetter' });

/** Messages that a consumer of events gave up on. */
@Controller('admin/v1/dead-letters')
export class DeadLettersController {
  constructor(@Inject(auditClient) private readonly audit: AuditClient) {}

  /** Oldest first. */
  @Get()
  @RequirePermission('deadletter.read')
  @Answers('Lists messages that a consumer of events gave up on, the oldest first.', page(letterSchema))
  async list(@Query({ schema: listQuery }) query: z.output<typeof listQuery>) {
    const request = { limit: query.limit, after: startNumberOf('deadletters', query.cursor) ?? 0, consumer: query.consumer ?? '' };
    const { letters, nextAfter } = await this.audit.listDeadLetters(request, asCaller());
    return pageOf('deadletters', letters.map(letterView), nextAfter);
  }

  @Get(':sequence')
  @RequirePermission('deadletter.read')
  @Answers('Tells of one such message.', letterSchema)
  async get(@Param('sequence', { schema: sequence }) at: number) {
    const { letter } = await this.audit.getDeadLetter({ sequence: at }, asCaller());
    return letterView(present(letter, 'letter'));
  }

  /** Hands the message once more to the consumer that gave up on it. What it does then shows later: it may come back as a new letter. */
  @Post(':sequence/replay')
  @RequirePermission('deadletter.manage')
  @Answers('Hands the message once more to the consumer that gave up on it.', letterSchema)
  @HttpCode(202)
  async replay(
    @Param('sequence', { schema: sequence }) at: number,
    @Body({ schema: settleBody }) body: SettleBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { letter, position } = await this.audit.replayDeadLetter({ sequence: at, reason: body.reason }, asCaller());
    tellPosition(reply, position);
    return letterView(present(letter, 'letter'));
  }

  /** Forgets the message; answers what it was. */
  @Post(':sequence/discard')
  @RequirePermission('deadletter.manage')
  @Answers('Forgets the message.', letterSchema)
  @HttpCode(200)
  async discard(
    @Param('sequence', { schema: sequence }) at: number,
    @Body({ schema: settleBody }) body: SettleBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { letter, position } = await this.audit.discardDeadLetter({ sequence: at, reason: body.reason }, asCaller());
    tellPosition(reply, position);
    return letterView(present(letter, 'letter'));
  }
}

function letterView(letter: auditV1.DeadLetter) {
  return {
    sequence: letter.sequence,
    dead_letter_id: letter.id,
    consumer: orNull(letter.consumer),
    original: { stream: letter.originalStream, subject: letter.originalSubject, sequence: letter.originalSequence },
    deliveries: letter.deliveries,
    replays: letter.replays,
    error: letter.error,
    failed_at: letter.failedAt,
    payload: letter.payload ?? {},
  };
}
