/** What people do with webhooks: each in one transaction with its event, as somebody who may do it at that moment. */
import { randomBytes } from 'node:crypto';
import { FairleadError, newId } from '@fairlead/contracts';
import { claimOf, grantsByPath, requirePermission, type Principal } from '@fairlead/auth';
import { appendInTransaction, type NewEvent, type StoredEvent } from '@fairlead/event-log';
import type { OutboundPolicy } from '@fairlead/outbound';
import type { Answering, Database, Transaction } from '@fairlead/postgres';
import { invalidField } from '../domain/invalid.js';
import { testType } from '../domain/webhook-message.js';
import { showSecret, webhookSecretBytes } from '../domain/webhook-signature.js';
import { presentCaller, userIdOf } from '../identity/callers.js';
import type { Sealer } from '../identity/sealing.js';
import { queueDeliveries } from '../store/webhook-queue.js';
import {
  countWebhooks,
  deleteWebhook,
  insertWebhook,
  lockWebhook,
  maxWebhooks,
  rotateWebhookSecret,
  setEnabled,
  updateWebhook,
  type Webhook,
} from '../store/webhooks.js';
import type { Change } from '../streams/change-forms.js';

/** What the functions of this folder work with. */
export interface Webhooks {
  readonly database: Database;
  /** Keeps their secrets; undefined without a key, and then nobody can make one, and nothing is delivered. */
  readonly sealer: Sealer | undefined;
  /** Which addresses may be called. */
  readonly policy: OutboundPolicy;
  /** What events look like to readers. */
  readonly formsOf: (event: StoredEvent) => Change;
}

/** Under this Nest hands it to controllers. */
export const webhooks = Symbol('webhooks');

/** A webhook with the secret that is shown this once, and the position of the event. */
export interface WithSecret {
  readonly webhook: Webhook;
  readonly secret: string;
  readonly position: number;
}

/**
 * Makes a webhook that reads events as the caller, and records it; answers what is made of it with its secret. Throws `already_exists`
 * for a name that is taken, `invalid_argument` for an address that may not be called or when there are too many.
 */
export async function createWebhook<Answer>(
  { policy, sealer }: Webhooks,
  caller: Principal,
  input: { name: string; url: string; types: readonly string[] },
  answering: Answering<WithSecret, Answer>,
): Promise<Answer> {
  refuseUrl(policy, input.url);
  const [webhookId, userId, secret] = [newId('webhook'), userIdOf(caller), randomBytes(webhookSecretBytes)];
  const sealedSecret = mustSeal(sealer).seal(webhookId, secret);
  return answering(async (tx) => {
    const grants = claimOf(grantsByPath(await mustManage(tx, caller)));
    if ((await countWebhooks(tx)) >= maxWebhooks)
      throw new FairleadError('invalid_argument', `There are ${maxWebhooks} webhooks, as many as may be`);
    const webhook = await insertWebhook(tx, { ...input, webhookId, userId, grants, sealedSecret });
    if (webhook === undefined) throw nameTaken(input.name);
    const position = await record(tx, webhook, { type: 'webhook_created', payload: toldOf(webhook) });
    return { webhook, secret: showSecret(secret), position };
  });
}

/** What may be changed of a webhook; what is left out stays. */
export interface WebhookChange {
  readonly name?: string;
  readonly url?: string;
  readonly types?: readonly string[];
  readonly enabled?: boolean;
}

/**
 * Changes a webhook and records it. Whoever changes where it goes to or what it is told of is who it reads events as from then on:
 * nobody is handed by their change what only another one may read. Throws `webhook_not_found`, `revision_mismatch`, and as `createWebhook`.
 */
export async function changeWebhook(
  { database, policy }: Webhooks,
  caller: Principal,
  { webhookId, revision, ...change }: WebhookChange & { webhookId: string; revision: number | undefined },
): Promise<{ webhook: Webhook; position: number | undefined }> {
  if (change.url !== undefined) refuseUrl(policy, change.url);
  return database.transaction(async (tx) => {
    let webhook = await mustLock(tx, webhookId, revision);
    const grants = claimOf(grantsByPath(await mustManage(tx, caller)));
    const { name, url, types } = { ...webhook, ...change };
    const changed = [
      ...(name === webhook.name ? [] : ['name']),
      ...(url === webhook.url ? [] : ['url']),
      ...(JSON.stringify(types) === JSON.stringify(webhook.types) ? [] : ['types']),
    ];
    const events: WebhookEvent[] = [];
    if (changed.length > 0) {
      const updated = await updateWebhook(tx, { webhookId, userId: userIdOf(caller), grants, name, url, types: [...types] });
      if (updated === undefined) throw nameTaken(name);
      webhook = updated;
      events.push({ type: 'webhook_changed', payload: { ...toldOf(webhook), changed } });
    }
    if (change.enabled !== undefined && change.enabled !== webhook.enabled) {
      webhook = present(await setEnabled(tx, webhookId, change.enabled ? undefined : 'user'));
      events.push(
        change.enabled ? { type: 'webhook_enabled', payload: { name } } : { type: 'webhook_disabled', payload: { name, cause: 'user' } },
      );
    }
    return { webhook, position: events.length === 0 ? undefined : await record(tx, webhook, ...events) };
  });
}

/** Gives a webhook a new secret and records it; messages are signed with the one before too, for so many hours. Throws `webhook_not_found`. */
export async function rotateSecret<Answer>(
  { sealer }: Webhooks,
  caller: Principal,
  { webhookId, overlapHours }: { webhookId: string; overlapHours: number },
  answering: Answering<WithSecret, Answer>,
): Promise<Answer> {
  const secret = randomBytes(webhookSecretBytes);
  const sealedSecret = mustSeal(sealer).seal(webhookId, secret);
  return answering(async (tx) => {
    await mustLock(tx, webhookId);
    await mustManage(tx, caller);
    const webhook = present(await rotateWebhookSecret(tx, { webhookId, sealedSecret, overlapHours }));
    const { name, previousUntil } = webhook;
    const payload = { name, ...(previousUntil === null ? {} : { previous_until: previousUntil.toISOString() }) };
    const position = await record(tx, webhook, { type: 'webhook_secret_rotated', payload });
    return { webhook, secret: showSecret(secret), position };
  });
}

/** Queues a message that says that it is a test, also when the webhook is not enabled, and records it; answers its delivery's id. */
export async function testWebhook<Answer>(
  caller: Principal,
  webhookId: string,
  answering: Answering<{ deliveryId: string; position: number }, Answer>,
): Promise<Answer> {
  return answering(async (tx) => {
    const webhook = await mustLock(tx, webhookId);
    await mustManage(tx, caller);
    const deliveryId = newId('delivery');
    await queueDeliveries(tx, [{ deliveryId, webhookId, messageId: deliveryId, position: null, eventType: testType }]);
    const payload = { name: webhook.name, delivery_id: deliveryId };
    return { deliveryId, position: await record(tx, webhook, { type: 'webhook_tested', payload }) };
  });
}

/** Takes a webhook away, with its deliveries, and records it; answers the event's position. Throws `webhook_not_found`, `revision_mismatch`. */
export async function removeWebhook(
  { database }: Webhooks,
  caller: Principal,
  { webhookId, revision }: { webhookId: string; revision: number | undefined },
): Promise<number> {
  return database.transaction(async (tx) => {
    const webhook = await mustLock(tx, webhookId, revision);
    await mustManage(tx, caller);
    await deleteWebhook(tx, webhookId);
    return record(tx, webhook, { type: 'webhook_deleted', payload: { name: webhook.name } });
  });
}

type WebhookEvent =
  Extract<NewEvent, { aggregateType: 'webhook' }> extends infer Told extends NewEvent ? Pick<Told, 'type' | 'payload'> : never;

/** Appends what became of a webhook, and must come last in its transaction; answers the position. */
export async function record(
  tx: Transaction,
  { webhookId }: Pick<Webhook, 'webhookId'>,
  ...events: readonly WebhookEvent[]
): Promise<number> {
  const told = events.map((event) => ({ aggregateType: 'webhook', aggregateId: webhookId, ...event }) as NewEvent);
  return (await appendInTransaction(tx, { events: told })).lastPosition;
}

/** The caller as they are now; throws `permission_denied` when they may not manage webhooks any more. */
export async function mustManage(tx: Transaction, caller: Principal): Promise<Principal> {
  const present = await presentCaller(tx, caller);
  requirePermission(present, 'webhook.manage');
  return present;
}

/** A webhook, locked, in the revision that was asked for. */
export async function mustLock(tx: Transaction, webhookId: string, revision?: number): Promise<Webhook> {
  const webhook = await lockWebhook(tx, webhookId);
  if (webhook === undefined) throw webhookNotFound(webhookId);
  if (revision !== undefined && revision !== webhook.revision)
    throw new FairleadError('revision_mismatch', `The webhook is at revision ${webhook.revision}, not ${revision}`, {
      details: { revision: webhook.revision },
    });
  return webhook;
}

/** What is thrown for a webhook that is not there. */
export function webhookNotFound(webhookId: string): FairleadError {
  return new FairleadError('webhook_not_found', `There is no webhook ${webhookId}`);
}

function present(webhook: Webhook | undefined): Webhook {
  if (webhook === undefined) throw new Error('a webhook that is locked is there');
  return webhook;
}

function refuseUrl(policy: OutboundPolicy, url: string): void {
  const verdict = policy.judge(url);
  if (!('url' in verdict)) throw invalidField('url', `can't be used: ${verdict.why}`);
}

function toldOf({ name, url, types }: Webhook) {
  return { name, origin: new URL(url).origin, types };
}

function nameTaken(name: string): FairleadError {
  return new FairleadError('already_exists', `There is a webhook ${name} already`);
}

function mustSeal(sealer: Sealer | undefined): Sealer {
  if (sealer === undefined) throw new FairleadError('unavailable', 'The gateway has no key for secrets of webhooks (IDENTITY_KEY_FILE)');
  return sealer;
}
