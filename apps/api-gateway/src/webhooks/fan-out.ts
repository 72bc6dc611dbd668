/** Queues deliveries of what is new in the log, each webhook behind its own position. */
import { newId } from '@fairlead/contracts';
import { readLog, type StoredEvent } from '@fairlead/event-log';
import { failpoint } from '@fairlead/failpoints';
import type { Database } from '@fairlead/postgres';
import { admits } from '../domain/audience.js';
import { isAskedFor, messageIdOf } from '../domain/webhook-message.js';
import { advance, lockBehind, positionsBehind, queueDeliveries, type Behind, type NewDelivery } from '../store/webhook-queue.js';
import type { Change } from '../streams/change-forms.js';
import { readerOf } from './reader.js';

/** How many events are looked through at a time. */
const pageEvents = 500;

export interface FanOutDeps {
  readonly database: Database;
  readonly formsOf: (event: StoredEvent) => Change;
}

/**
 * Looks through one page of the log for every webhook that is behind, and queues what is for it in one transaction with its new position:
 * none is skipped or queued twice, whoever dies. Answers whether there may be more.
 */
export async function fanOut({ database, formsOf }: FanOutDeps): Promise<boolean> {
  let more = false;
  // Webhooks that stand at one place are looked after together: most stand at the end.
  for (const position of await positionsBehind(database)) {
    const read = await database.transaction(async (tx) => {
      const behind = await lockBehind(tx, position);
      if (behind.length === 0) return 0;
      const events = await readLog(tx, { after: position, limit: pageEvents });
      const last = events.at(-1)?.position ?? position;
      const found = behind.map((webhook) => ({ webhook, ...newFor(webhook, events, formsOf) }));
      await queueDeliveries(
        tx,
        found.flatMap(({ deliveries }) => deliveries),
      );
      await advance(
        tx,
        found.map(({ webhook: { webhookId }, upTo }) => ({ webhookId, position: upTo ?? last })),
      );
      await failpoint('webhook.queue.before_commit');
      return events.length;
    });
    more ||= read > 0;
  }
  return more;
}

/** What of a page is for a webhook; `upTo` is given when there was no room for all of it. */
function newFor(
  webhook: Behind,
  events: readonly StoredEvent[],
  formsOf: FanOutDeps['formsOf'],
): { deliveries: NewDelivery[]; upTo?: number } {
  const reader = readerOf(webhook);
  const deliveries: NewDelivery[] = [];
  for (const event of events) {
    if (!isAskedFor(webhook.types, event) || !admits(formsOf(event).audience, reader)) continue;
    if (deliveries.length === webhook.room) return { deliveries, upTo: event.position - 1 };
    deliveries.push(deliveryOf(webhook.webhookId, event));
  }
  return { deliveries };
}

/** A delivery of an event to a webhook. */
export function deliveryOf(webhookId: string, event: StoredEvent): NewDelivery {
  return {
    deliveryId: newId('delivery'),
    webhookId,
    messageId: messageIdOf(event),
    position: event.position,
    eventType: `${event.aggregateType}.${event.type}`,
  };
}
