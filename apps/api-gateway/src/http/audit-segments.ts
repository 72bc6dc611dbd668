import { Body, Controller, Get, HttpCode, Inject, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { chainV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { asCaller, chainClient, orNull, present, tellPosition, type ChainClient } from '../edge/clients.js';
import { pageOf, pageQuery, startNumberOf } from '../edge/paging.js';
import { reason, timestamp } from '../edge/parse.js';

const listQuery = z.strictObject(pageQuery);
const sealBody = z.strictObject({
  /** What was recorded before this time; now when left out. Whole segments alone are sealed. */
  before: timestamp.optional(),
  reason,
});

const segmentSchema = z
  .object({
    from: z.int(),
    to: z.int(),
    first_time: z.string().nullable(),
    last_time: z.string().nullable(),
    manifest: z.string(),
    file: z.string(),
    bytes: z.int(),
    sha256: z.string(),
    hash: z.string(),
    sealed_at: time,
  })
  .meta({ id: 'TrailSegment' });
const sealingSchema = z
  .object({
    enabled: z.boolean(),
    sealed_until: z.int(),
    dropped_until: z.int(),
    segments: z.int(),
    bytes: z.int(),
    retention_days: z.int().nullable(),
    segment_events: z.int().nullable(),
    asked_before: time.nullable(),
    stopped: z.string().nullable(),
    stopped_since: time.nullable(),
  })
  .meta({ id: 'TrailSealing' });

/** The sealed segments of the trail. */
@Controller('admin/v1/audit/segments')
export class AuditSegmentsController {
  constructor(@Inject(chainClient) private readonly chain: ChainClient) {}

  /** The oldest first; `sealing` tells how far sealing has come, and what is in its way. */
  @Get()
  @RequirePermission('audit.read')
  @Answers(
    'Lists the sealed segments of the trail, the oldest first, and tells how far sealing has come.',
    page(segmentSchema).extend({ sealing: sealingSchema }),
  )
  async list(@Query({ schema: listQuery }) { limit, cursor }: z.output<typeof listQuery>) {
    const response = await this.chain.listSegments({ limit, after: startNumberOf('segments', cursor) ?? 0 }, asCaller());
    const sealing = sealingView(present(response.sealing, 'sealing'));
    return { ...pageOf('segments', response.segments.map(segmentView), response.nextAfter), sealing };
  }

  /** It is done right after; `GET` tells how far it is. */
  @Post('seal')
  @RequirePermission('audit.seal')
  @Answers('Has whole segments of the trail sealed that are older than a time.', sealingSchema)
  @HttpCode(202)
  async seal(@Body({ schema: sealBody }) body: z.output<typeof sealBody>, @Res({ passthrough: true }) reply: FastifyReply) {
    const { position, sealing } = await this.chain.sealTrail({ before: body.before ?? '', reason: body.reason }, asCaller());
    tellPosition(reply, position);
    return sealingView(present(sealing, 'sealing'));
  }
}

function segmentView(segment: chainV1.TrailSegment) {
  const { fromPosition: from, toPosition: to, firstTime, lastTime, manifest, file, bytes, sha256, hash, sealedAt } = segment;
  return {
    ...{ from, to, first_time: orNull(firstTime), last_time: orNull(lastTime), manifest, file, bytes, sha256, hash },
    sealed_at: sealedAt,
  };
}

function sealingView(sealing: chainV1.TrailSealing) {
  return {
    enabled: sealing.enabled,
    sealed_until: sealing.sealedUntil,
    dropped_until: sealing.droppedUntil,
    segments: sealing.segments,
    bytes: sealing.bytes,
    retention_days: sealing.retentionDays === 0 ? null : sealing.retentionDays,
    segment_events: sealing.segmentEvents === 0 ? null : sealing.segmentEvents,
    asked_before: orNull(sealing.askedBefore),
    stopped: orNull(sealing.stopped),
    stopped_since: orNull(sealing.stoppedSince),
  };
}
