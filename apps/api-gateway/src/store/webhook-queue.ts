/** What is yet to be told to webhooks: filled behind their positions, emptied by claims. */
import type { Sql } from '@fairlead/postgres';
import { ownership, type Ownership } from './webhooks.js';

/** How many deliveries of one webhook may wait; beyond, its position stays where it is. */
export const maxWaiting = 1_000;

/** A webhook that has events to be looked through. */
export interface Behind extends Ownership {
  readonly webhookId: string;
  readonly types: string[];
  readonly position: number;
  /** How many deliveries may be queued. */
  readonly room: number;
}

const isBehind = 'enabled and not disabled and webhook.position < (select head.position from log.head)';
const waiting = `(select count(*) from webhook_delivery queued where queued.webhook_id = webhook.webhook_id and status = 'pending')`;

/** The positions behind which webhooks have events to be looked through, as far as they have room. */
export async function positionsBehind(sql: Sql): Promise<number[]> {
  const rows = await sql.query<{ position: number }>(
    `select distinct webhook.position from webhook join users using (user_id) where ${isBehind} and ${waiting} < $1 order by 1`,
    [maxWaiting],
  );
  return rows.map(({ position }) => position);
}

/** Locks the webhooks that stand at a position, for the rest of the transaction; without those that another gateway has locked. */
export async function lockBehind(tx: Sql, position: number): Promise<Behind[]> {
  const rows = await tx.query<Behind>(
    `select webhook_id as "webhookId", types, webhook.position, ${ownership}, $2 - ${waiting} as room
     from webhook join users using (user_id) where webhook.position = $1 and ${isBehind} order by webhook_id for update of webhook skip locked`,
    [position, maxWaiting],
  );
  return rows.filter(({ room }) => room > 0);
}

export interface NewDelivery {
  readonly deliveryId: string;
  readonly webhookId: string;
  readonly messageId: string;
  /** Null for a test. */
  readonly position: number | null;
  readonly eventType: string;
}

/** Queues deliveries; one that is there already stays as it is, or is made again when that is asked for and it has ended. Answers how many were queued. */
export async function queueDeliveries(tx: Sql, deliveries: readonly NewDelivery[], again = false): Promise<number> {
  if (deliveries.length === 0) return 0;
  const column = <Name extends keyof NewDelivery>(name: Name) => deliveries.map((delivery) => delivery[name]);
  const rows = await tx.query(
    `insert into webhook_delivery (delivery_id, webhook_id, message_id, position, event_type)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])
     on conflict (webhook_id, position) do update set status = 'pending', attempts = 0, next_at = now()
       where $6 and webhook_delivery.status <> 'pending'
     returning 1`,
    [column('deliveryId'), column('webhookId'), column('messageId'), column('position'), column('eventType'), again],
  );
  return rows.length;
}

/** Says up to where webhooks have been looked after. */
export async function advance(tx: Sql, moved: readonly { webhookId: string; position: number }[]): Promise<void> {
  await tx.query(
    `update webhook set position = moved.position from unnest($1::text[], $2::bigint[]) moved (webhook_id, position)
     where webhook.webhook_id = moved.webhook_id`,
    [moved.map(({ webhookId }) => webhookId), moved.map(({ position }) => position)],
  );
}

/** A delivery that is this caller's to make, until its lease ends. */
export interface Claimed {
  readonly deliveryId: string;
  readonly webhookId: string;
  readonly messageId: string;
  readonly position: number | null;
  readonly createdAt: Date;
  /** This one included. With it the claim is told from a later one. */
  readonly attempts: number;
}

export interface ClaimOptions {
  /** How many requests of a webhook may be under way in this process; of one that fails, one. */
  readonly perWebhook: number;
  /** How many are. */
  readonly underWay: ReadonlyMap<string, number>;
  /** After this long others may claim what was claimed. */
  readonly leaseMs: number;
}

/** Claims deliveries that are due, of every webhook as many as it has room for. Those of one that is not enabled wait, but for tests. */
export async function claimDeliveries(sql: Sql, { perWebhook, underWay, leaseMs }: ClaimOptions): Promise<Claimed[]> {
  return sql.query<Claimed>(
    `with due as (
       select found.delivery_id
       from (
         select webhook_id, enabled and not disabled as tells,
           greatest(case when failing_since is null then $1::int else 1 end - coalesce(busy.requests, 0), 0) as room
         from webhook join users using (user_id) left join unnest($2::text[], $3::int[]) busy (webhook_id, requests) using (webhook_id)
       ) one
       cross join lateral (
         select delivery_id from webhook_delivery
         where webhook_delivery.webhook_id = one.webhook_id and status = 'pending' and next_at <= now() and (one.tells or position is null)
         order by next_at, delivery_id limit one.room for update skip locked
       ) found
     )
     update webhook_delivery set attempts = attempts + 1, last_attempt_at = now(), next_at = now() + make_interval(secs => $4 / 1000.0)
     from due where webhook_delivery.delivery_id = due.delivery_id
     returning webhook_delivery.delivery_id as "deliveryId", webhook_id as "webhookId", message_id as "messageId", position,
       created_at as "createdAt", attempts`,
    [perWebhook, [...underWay.keys()], [...underWay.values()], leaseMs],
  );
}

/** Gives a delivery back that was not made after all. */
export async function releaseDelivery(sql: Sql, { deliveryId, attempts }: Claimed): Promise<void> {
  await sql.query(
    `update webhook_delivery set attempts = attempts - 1, next_at = now() where delivery_id = $1 and attempts = $2 and status = 'pending'`,
    [deliveryId, attempts],
  );
}

export interface Outcome {
  /** Undefined when no answer came. */
  readonly statusCode?: number;
  /** Undefined when it was taken. */
  readonly error?: string;
  readonly durationMs?: number;
  /** When it is tried again; undefined for never. */
  readonly retryMs?: number;
}

/**
 * Writes down how a delivery ended; answers false when it is not this claim's any more: its lease has ended and another one has it, or its
 * webhook is gone.
 */
export async function settleDelivery(tx: Sql, { deliveryId, attempts }: Claimed, outcome: Outcome): Promise<boolean> {
  const status = outcome.error === undefined ? 'delivered' : outcome.retryMs === undefined ? 'dead' : 'pending';
  const rows = await tx.query(
    `update webhook_delivery set status = $3, status_code = $4, error = $5, duration_ms = $6, next_at = now() + make_interval(secs => $7 / 1000.0)
     where delivery_id = $1 and attempts = $2 and status = 'pending' returning 1`,
    [
      deliveryId,
      attempts,
      status,
      outcome.statusCode ?? null,
      outcome.error ?? null,
      outcome.durationMs === undefined ? null : Math.round(outcome.durationMs),
      outcome.retryMs ?? 0,
    ],
  );
  return rows.length === 1;
}

/** Ends a webhook's row of failures. */
export async function noteSuccess(tx: Sql, webhookId: string): Promise<void> {
  await tx.query('update webhook set failing_since = null where webhook_id = $1 and failing_since is not null', [webhookId]);
}

/** Notes a failure; answers since when there has been nothing but failures, and whether that is longer than so many hours. */
export async function noteFailure(
  tx: Sql,
  webhookId: string,
  hours: number,
): Promise<{ failingSince: Date; tooLong: boolean } | undefined> {
  const [row] = await tx.query<{ failingSince: Date; tooLong: boolean }>(
    `update webhook set failing_since = coalesce(failing_since, now()) where webhook_id = $1
     returning failing_since as "failingSince", failing_since <= now() - make_interval(hours => $2) as "tooLong"`,
    [webhookId, hours],
  );
  return row;
}

/** How many deliveries of a webhook that have ended are kept, the newest. */
const maxEnded = 10_000;

/** Removes deliveries that have ended: those older than so many days, and what is beyond the newest of each webhook; answers how many. */
export async function pruneDeliveries(sql: Sql, keepDays: number): Promise<number> {
  const rows = await sql.query(
    `delete from webhook_delivery where delivery_id in (
       select old.delivery_id
       from webhook cross join lateral (
         select delivery_id from webhook_delivery where webhook_delivery.webhook_id = webhook.webhook_id and status <> 'pending'
         order by delivery_id desc offset $2 limit 5000
       ) old
       union all
       (select delivery_id from webhook_delivery where status <> 'pending' and created_at < now() - make_interval(days => $1) limit 5000))
     returning 1`,
    [keepDays, maxEnded],
  );
  return rows.length;
}
