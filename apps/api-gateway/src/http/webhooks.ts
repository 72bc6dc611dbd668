import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { eventCatalogue } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { answeringOnce, type KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { tellPosition } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { Caller, etagOf, eventType, IdempotencyKey, IfMatch, opaqueId, text } from '../edge/parse.js';
import { isAskedFor } from '../domain/webhook-message.js';
import { identity, type Identity } from '../identity/identity.js';
import { findWebhook, listWebhooks, type Webhook } from '../store/webhooks.js';
import {
  changeWebhook,
  createWebhook,
  removeWebhook,
  rotateSecret,
  testWebhook,
  webhookNotFound,
  webhooks,
  type Webhooks,
  type WithSecret,
} from '../webhooks/webhooks.js';

const hours = 'must be a whole number of hours from 0 to 168';
const knownTypes = Object.entries(eventCatalogue).flatMap(([aggregateType, { types }]) =>
  Object.keys(types).map((type) => ({ aggregateType, type })),
);
const types = z
  .array(
    eventType.refine((type) => knownTypes.some((known) => isAskedFor([type], known)), 'is no event type, and begins none'),
    'is not a list',
  )
  .min(1, 'must name an event type')
  .max(50, 'must name 50 at most')
  .transform((list) => [...new Set(list)]);
const url = text(2_048);

const createBody = z.strictObject({
  name: text(100),
  /** By https, unless the gateway's settings allow the address. */
  url,
  /** `job.job_created`, `job.step_*`, `job.*`. */
  types,
});
const changeBody = z
  .strictObject({ name: text(100).optional(), url: url.optional(), types: types.optional(), enabled: z.boolean().optional() })
  .refine((change) => Object.keys(change).length > 0, 'nothing to change: give name, url, types or enabled');
/** How long messages are signed with the present secret too. */
const rotateBody = z.strictObject({ overlap_hours: z.int(hours).min(0, hours).max(168, hours).default(24) });
const listQuery = z.strictObject(pageQuery);

const webhookSchema = z
  .object({
    webhook_id: z.string(),
    name: z.string(),
    url: z.string(),
    types: z.array(z.string()),
    /** As whom it reads events: who last set where it goes to. */
    user_id: z.string(),
    enabled: z.boolean(),
    /** `user`, `failures` or `gone`; null while it is enabled. */
    disabled_cause: z.string().nullable(),
    /** Up to here events have been queued for it. */
    position: z.int(),
    failing_since: time.nullable(),
    /** Until when messages are signed with the secret before too. */
    previous_until: time.nullable(),
    /** Its entity tag, in quotes. */
    revision: z.int(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Webhook' });
const newWebhookSchema = webhookSchema.extend({ secret: z.string() }).meta({ id: 'NewWebhook' });
const testSchema = z.object({ delivery_id: z.string() }).meta({ id: 'WebhookTest' });

@Controller('admin/v1/webhooks')
export class WebhooksController {
  constructor(
    @Inject(webhooks) private readonly webhooks: Webhooks,
    @Inject(identity) private readonly identity: Identity,
  ) {}

  @Get()
  @RequirePermission('webhook.read')
  @Answers('Lists webhooks, the newest first.', page(webhookSchema))
  async list(@Query({ schema: listQuery }) { limit, cursor }: z.output<typeof listQuery>) {
    const before = startOf('webhooks', cursor);
    const found = await listWebhooks(this.webhooks.database, { before, limit: limit + 1 });
    const page = found.slice(0, limit);
    return pageOf('webhooks', page.map(webhookView), found.length > limit ? (page.at(-1)?.webhookId ?? '') : '');
  }

  /** The only answer that holds the secret; one that was lost is given again for its key. */
  @Post()
  @RequirePermission('webhook.manage')
  @Answers('Makes a webhook that is told of what happens from now on; no other answer ever holds its secret.', newWebhookSchema)
  async create(
    @Body({ schema: createBody }) body: z.output<typeof createBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const created = await createWebhook(this.webhooks, caller, body, answeringOnce(this.identity, keyed, newWebhookAnswer));
    tellPosition(reply, created.position);
    reply.header('etag', etagOf(created.body.revision)).header('location', `/admin/v1/webhooks/${created.body.webhook_id}`);
    return created.body;
  }

  @Get(':id')
  @RequirePermission('webhook.read')
  @Answers('Tells a webhook.', webhookSchema)
  async get(@Param('id', { schema: opaqueId }) webhookId: string, @Res({ passthrough: true }) reply: FastifyReply) {
    const webhook = await findWebhook(this.webhooks.database, webhookId);
    if (webhook === undefined) throw webhookNotFound(webhookId);
    reply.header('etag', etagOf(webhook.revision));
    return webhookView(webhook);
  }

  /** Whoever changes where it goes to or what it is told of is who it reads events as from then on. */
  @Patch(':id')
  @RequirePermission('webhook.manage')
  @Answers('Changes a webhook, or enables or disables it.', webhookSchema)
  async change(
    @Param('id', { schema: opaqueId }) webhookId: string,
    @Body({ schema: changeBody }) body: z.output<typeof changeBody>,
    @IfMatch() revision: number | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { webhook, position } = await changeWebhook(this.webhooks, caller, { ...body, webhookId, revision });
    tellPosition(reply, position);
    reply.header('etag', etagOf(webhook.revision));
    return webhookView(webhook);
  }

  /** The only answer that holds the secret; one that was lost is given again for its key. */
  @Post(':id/rotate')
  @RequirePermission('webhook.manage')
  @Answers('Answers a new secret for a webhook; messages are signed with the one before too, for a while.', newWebhookSchema)
  @HttpCode(200)
  async rotate(
    @Param('id', { schema: opaqueId }) webhookId: string,
    @Body({ schema: rotateBody }) body: z.output<typeof rotateBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const change = { webhookId, overlapHours: body.overlap_hours };
    const rotated = await rotateSecret(this.webhooks, caller, change, answeringOnce(this.identity, keyed, newWebhookAnswer));
    tellPosition(reply, rotated.position);
    reply.header('etag', etagOf(rotated.body.revision));
    return rotated.body;
  }

  /** Also when the webhook is not enabled. It is sent once; its delivery tells what came of it. */
  @Post(':id/test')
  @RequirePermission('webhook.manage')
  @Answers('Sends a message that says that it is a test.', testSchema)
  @HttpCode(202)
  async test(
    @Param('id', { schema: opaqueId }) webhookId: string,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answering = answeringOnce(this.identity, keyed, ({ deliveryId, position }: { deliveryId: string; position: number }) => ({
      ...{ position, body: { delivery_id: deliveryId } },
    }));
    const answer = await testWebhook(caller, webhookId, answering);
    tellPosition(reply, answer.position);
    return answer.body;
  }

  @Delete(':id')
  @RequirePermission('webhook.manage')
  @Answers('Deletes a webhook, with its deliveries.')
  @HttpCode(204)
  async delete(
    @Param('id', { schema: opaqueId }) webhookId: string,
    @IfMatch() revision: number | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    tellPosition(reply, await removeWebhook(this.webhooks, caller, { webhookId, revision }));
  }
}

function newWebhookAnswer({ webhook, secret, position }: WithSecret) {
  return { position, body: { ...webhookView(webhook), secret } };
}

function webhookView(webhook: Webhook) {
  return {
    webhook_id: webhook.webhookId,
    name: webhook.name,
    url: webhook.url,
    types: webhook.types,
    user_id: webhook.userId,
    enabled: webhook.enabled,
    disabled_cause: webhook.disabledCause,
    position: webhook.position,
    failing_since: webhook.failingSince?.toISOString() ?? null,
    previous_until: webhook.previousUntil?.toISOString() ?? null,
    revision: webhook.revision,
    created_at: webhook.createdAt.toISOString(),
    updated_at: webhook.updatedAt.toISOString(),
  };
}
