import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { RequirePermission } from '../edge/access.js';
import { Answers, time } from '../edge/answers.js';
import { asCaller, chainClient, orNull, type ChainClient } from '../edge/clients.js';
import { anchorSchema, anchorView } from './audit-chain.js';

/** `cursor` is what the request before answered as `next`; none begins. */
const body = z.strictObject({ cursor: z.string('is not a cursor').min(1, 'is not a cursor').max(500, 'is not a cursor').optional() });

/** A part takes some seconds to check. */
const deadlineMs = 30_000;

const verifiedSchema = z
  .object({
    position: z.int(),
    head: z.int(),
    next: z.string().nullable(),
    broken: z.object({ position: z.int().nullable(), kind: z.string(), message: z.string(), advice: z.string() }).nullable(),
    anchor: anchorSchema.nullable(),
    unanchored: z.int(),
    unanchored_since: time.nullable(),
    source: z.string(),
    restored: z.array(z.object({ incarnation: z.string(), after: z.int(), lost_until: z.int(), lost_time: time.nullable() })),
    sealed_until: z.int(),
    segments: z.int(),
  })
  .meta({ id: 'ChainVerified' });

/** Holds the log against its anchors; changes nothing. */
@Controller('admin/v1/audit/verify')
export class AuditVerifyController {
  constructor(@Inject(chainClient) private readonly chain: ChainClient) {}

  /** As much as one request may check; `next` is where to go on, null at the end and when something is `broken`. */
  @Post()
  @RequirePermission('audit.read')
  @Answers('Holds as much of the log as one request may against its anchors; changes nothing.', verifiedSchema)
  @HttpCode(200)
  async verify(@Body({ schema: body }) { cursor }: z.output<typeof body>) {
    const checked = await this.chain.verifyChain({ cursor: cursor ?? '' }, asCaller({ deadlineMs }));
    return {
      position: checked.position,
      head: checked.head,
      next: orNull(checked.cursor),
      broken:
        checked.broken === undefined
          ? null
          : { ...checked.broken, position: checked.broken.position === 0 ? null : checked.broken.position },
      anchor: anchorView(checked.anchor),
      unanchored: checked.unanchored,
      unanchored_since: orNull(checked.unanchoredSince),
      source: checked.source,
      restored: checked.restored.map(({ incarnation, after, lostUntil, lostTime }) => ({
        incarnation,
        after,
        lost_until: lostUntil,
        lost_time: orNull(lostTime),
      })),
      sealed_until: checked.sealedUntil,
      segments: checked.segments,
    };
  }
}
