/** Deliveries as people look at them. */
import type { Sql } from '@fairlead/postgres';

export const deliveryStates = ['pending', 'delivered', 'dead'] as const;
export type DeliveryStatus = (typeof deliveryStates)[number];

/** One message to one webhook, and what became of it. */
export interface Delivery {
  readonly deliveryId: string;
  readonly webhookId: string;
  /** What receivers know it by; the same for all webhooks that are told of an event. */
  readonly messageId: string;
  /** Of its event; null for a test. */
  readonly position: number | null;
  readonly eventType: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  /** When it is tried next; null when it has ended. */
  readonly nextAt: Date | null;
  readonly createdAt: Date;
  readonly lastAttemptAt: Date | null;
  /** Of the last answer; null when none came. */
  readonly statusCode: number | null;
  /** What was wrong at the last attempt; null for nothing. */
  readonly error: string | null;
  readonly durationMs: number | null;
}

const columns = `delivery_id as "deliveryId", webhook_id as "webhookId", message_id as "messageId", position, event_type as "eventType", status,
  attempts, case when status = 'pending' then next_at end as "nextAt", created_at as "createdAt", last_attempt_at as "lastAttemptAt",
  status_code as "statusCode", error, duration_ms as "durationMs"`;

/** Deliveries of a webhook, of one status or any, the newest first, before an id, `limit` at most. */
export async function listDeliveries(
  sql: Sql,
  {
    webhookId,
    status,
    before,
    limit,
  }: { webhookId: string; status: DeliveryStatus | undefined; before: string | undefined; limit: number },
): Promise<Delivery[]> {
  return sql.query<Delivery>(
    `select ${columns} from webhook_delivery
     where webhook_id = $1 and ($2::text is null or status = $2) and ($3::text is null or delivery_id < $3) order by delivery_id desc limit $4`,
    [webhookId, status ?? null, before ?? null, limit],
  );
}

/** A delivery of a webhook; undefined when there is none. */
export async function findDelivery(sql: Sql, webhookId: string, deliveryId: string): Promise<Delivery | undefined> {
  const [found] = await sql.query<Delivery>(`select ${columns} from webhook_delivery where webhook_id = $1 and delivery_id = $2`, [
    webhookId,
    deliveryId,
  ]);
  return found;
}

/** Queues a delivery again, with all its attempts, or makes one that waits due now; answers it, undefined when there is none. */
export async function queueAgain(tx: Sql, webhookId: string, deliveryId: string): Promise<Delivery | undefined> {
  const [queued] = await tx.query<Delivery>(
    `update webhook_delivery set attempts = case when status = 'pending' then attempts else 0 end, status = 'pending', next_at = now()
     where webhook_id = $1 and delivery_id = $2 returning ${columns}`,
    [webhookId, deliveryId],
  );
  return queued;
}
