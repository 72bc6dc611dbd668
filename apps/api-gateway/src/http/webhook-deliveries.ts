import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Principal } from '@fairlead/auth';
import { answeringOnce, type KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { tellPosition } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { Caller, IdempotencyKey, opaqueId } from '../edge/parse.js';
import { identity, type Identity } from '../identity/identity.js';
import { deliveryStates, findDelivery, listDeliveries, type Delivery } from '../store/webhook-deliveries.js';
import { findWebhook } from '../store/webhooks.js';
import { deliveryNotFound, replayDelivery, replayRange, type ReplayedRange } from '../webhooks/replay.js';
import { webhookNotFound, webhooks, type Webhooks } from '../webhooks/webhooks.js';

const listQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(deliveryStates, `must be one of ${deliveryStates.join(', ')}`).optional(),
});
const place = z.int('is not a position').min(1, 'is not a position').max(999_999_999_999_999, 'is not a position');
const rangeBody = z
  .strictObject({
    /** Positions in the log, both included. */
    from: place,
    to: place,
  })
  .refine(({ from, to }) => from <= to, 'to must not come before from');

const deliverySchema = z
  .object({
    delivery_id: z.string(),
    webhook_id: z.string(),
    /** What receivers know the message by: its `webhook-id`. */
    message_id: z.string(),
    event_type: z.string(),
    /** Of its event; null for a test. */
    position: z.int().nullable(),
    /** `pending`, `delivered`, or `dead` when it is not tried any more. */
    status: z.string(),
    attempts: z.int(),
    next_at: time.nullable(),
    created_at: time,
    last_attempt_at: time.nullable(),
    status_code: z.int().nullable(),
    error: z.string().nullable(),
    duration_ms: z.int().nullable(),
  })
  .meta({ id: 'WebhookDelivery' });
const rangeSchema = z
  .object({
    queued: z.int(),
    /** Where to go on; null when the whole range has been looked through. */
    next: z.int().nullable(),
  })
  .meta({ id: 'WebhookReplay' });

/** What was told to a webhook, and what became of it. */
@Controller('admin/v1/webhooks/:id')
export class WebhookDeliveriesController {
  constructor(
    @Inject(identity) private readonly identity: Identity,
    @Inject(webhooks) private readonly webhooks: Webhooks,
  ) {}

  @Get('deliveries')
  @RequirePermission('webhook.read')
  @Answers('Lists a webhook’s deliveries, the newest first.', page(deliverySchema))
  async list(
    @Param('id', { schema: opaqueId }) webhookId: string,
    @Query({ schema: listQuery }) { limit, cursor, status }: z.output<typeof listQuery>,
  ) {
    const before = startOf('deliveries', cursor);
    if ((await findWebhook(this.webhooks.database, webhookId)) === undefined) throw webhookNotFound(webhookId);
    const found = await listDeliveries(this.webhooks.database, { webhookId, status, before, limit: limit + 1 });
    const page = found.slice(0, limit);
    return pageOf('deliveries', page.map(deliveryView), found.length > limit ? (page.at(-1)?.deliveryId ?? '') : '');
  }

  @Get('deliveries/:delivery')
  @RequirePermission('webhook.read')
  @Answers('Tells a delivery.', deliverySchema)
  async get(@Param('id', { schema: opaqueId }) webhookId: string, @Param('delivery', { schema: opaqueId }) deliveryId: string) {
    const delivery = await findDelivery(this.webhooks.database, webhookId, deliveryId);
    if (delivery === undefined) throw deliveryNotFound(deliveryId);
    return deliveryView(delivery);
  }

  /** Whatever became of it; the message keeps its id. One that waits is tried now. */
  @Post('deliveries/:delivery/replay')
  @RequirePermission('webhook.manage')
  @Answers('Makes a delivery again.', deliverySchema)
  @HttpCode(202)
  async replay(
    @Param('id', { schema: opaqueId }) webhookId: string,
    @Param('delivery', { schema: opaqueId }) deliveryId: string,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answering = answeringOnce(this.identity, keyed, ({ delivery, position }: { delivery: Delivery; position: number }) => ({
      ...{ position, body: deliveryView(delivery) },
    }));
    const answer = await replayDelivery(caller, { webhookId, deliveryId }, answering);
    tellPosition(reply, answer.position);
    return answer.body;
  }

  /** What the webhook is told of now, also from before it was made; its deliveries of a range that were lost, or that ended dead. */
  @Post('replay')
  @RequirePermission('webhook.manage')
  @Answers('Delivers the events of a range of the log again.', rangeSchema)
  @HttpCode(202)
  async replayRange(
    @Param('id', { schema: opaqueId }) webhookId: string,
    @Body({ schema: rangeBody }) body: z.output<typeof rangeBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answering = answeringOnce(this.identity, keyed, ({ position, queued, next }: ReplayedRange) => ({
      position,
      body: { queued, next },
    }));
    const answer = await replayRange(this.webhooks, caller, { webhookId, ...body }, answering);
    tellPosition(reply, answer.position);
    return answer.body;
  }
}

function deliveryView(delivery: Delivery) {
  return {
    delivery_id: delivery.deliveryId,
    webhook_id: delivery.webhookId,
    message_id: delivery.messageId,
    event_type: delivery.eventType,
    position: delivery.position,
    status: delivery.status,
    attempts: delivery.attempts,
    next_at: delivery.nextAt?.toISOString() ?? null,
    created_at: delivery.createdAt.toISOString(),
    last_attempt_at: delivery.lastAttemptAt?.toISOString() ?? null,
    status_code: delivery.statusCode,
    error: delivery.error,
    duration_ms: delivery.durationMs,
  };
}
