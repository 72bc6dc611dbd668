/** Deliveries that are made again: one, or all of a range of the log. */
import { FairleadError } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { headPosition, readLog } from '@fairlead/event-log';
import type { Answering } from '@fairlead/postgres';
import { admits } from '../domain/audience.js';
import { isAskedFor } from '../domain/webhook-message.js';
import { queueAgain, type Delivery } from '../store/webhook-deliveries.js';
import { queueDeliveries } from '../store/webhook-queue.js';
import { findTarget } from '../store/webhooks.js';
import { deliveryOf } from './fan-out.js';
import { readerOf } from './reader.js';
import { mustLock, mustManage, record, type Webhooks } from './webhooks.js';

/** How many events one request looks through, and queues. */
export const replayPage = 1_000;

/** Queues a delivery again, whatever became of it, and records it. Throws `webhook_not_found`, `delivery_not_found`. */
export async function replayDelivery<Answer>(
  caller: Principal,
  { webhookId, deliveryId }: { webhookId: string; deliveryId: string },
  answering: Answering<{ delivery: Delivery; position: number }, Answer>,
): Promise<Answer> {
  return answering(async (tx) => {
    const webhook = await mustLock(tx, webhookId);
    await mustManage(tx, caller);
    const delivery = await queueAgain(tx, webhookId, deliveryId);
    if (delivery === undefined) throw deliveryNotFound(deliveryId);
    const payload = { name: webhook.name, deliveries: 1, delivery_id: deliveryId };
    return { delivery, position: await record(tx, webhook, { type: 'webhook_replayed', payload }) };
  });
}

export interface ReplayedRange {
  readonly queued: number;
  /** Where to go on; null when the range has been looked through. */
  readonly next: number | null;
  readonly position: number;
}

/**
 * Queues what a webhook is told of the events from one position to another, both included, and records it; deliveries that wait stay as
 * they are. Looks through so many events at most: `next` says where to go on. Throws `webhook_not_found`.
 */
export async function replayRange<Answer>(
  { formsOf }: Pick<Webhooks, 'formsOf'>,
  caller: Principal,
  { webhookId, from, to }: { webhookId: string; from: number; to: number },
  answering: Answering<ReplayedRange, Answer>,
): Promise<Answer> {
  return answering(async (tx) => {
    const webhook = await mustLock(tx, webhookId);
    await mustManage(tx, caller);
    const target = await findTarget(tx, webhookId);
    if (target === undefined) throw new Error('a webhook that is locked is there');
    const reader = readerOf(target);
    const end = Math.min(to, await headPosition(tx));
    const events = await readLog(tx, { after: from - 1, until: end, limit: replayPage });
    const wanted = events.filter((event) => isAskedFor(webhook.types, event) && admits(formsOf(event).audience, reader));
    const deliveries = wanted.map((event) => deliveryOf(webhookId, event));
    const queued = await queueDeliveries(tx, deliveries, true);
    const last = events.at(-1)?.position ?? end;
    const next = last < end ? last + 1 : null;
    const payload = { name: webhook.name, deliveries: queued, from, to: last };
    return { queued, next, position: await record(tx, webhook, { type: 'webhook_replayed', payload }) };
  });
}

/** What is thrown for a delivery that is not there, or no longer. */
export function deliveryNotFound(deliveryId: string): FairleadError {
  return new FairleadError('delivery_not_found', `The webhook has no delivery ${deliveryId}, or none any more`);
}
