import type { Sql } from '@fairlead/postgres';
import type { HeldRole } from '../domain/held-roles.js';
import { heldBy } from './role-bindings.js';

export type DisabledCause = 'user' | 'failures' | 'gone';

/** A webhook without its secrets. */
export interface Webhook {
  readonly webhookId: string;
  /** Who it reads events as. */
  readonly userId: string;
  readonly name: string;
  readonly url: string;
  /** What it is told of: `job.job_created`, `job.step_*`, `job.*`. */
  readonly types: string[];
  readonly enabled: boolean;
  /** Why it is not enabled; null while it is. */
  readonly disabledCause: DisabledCause | null;
  /** Whatever is up to here has been queued, as far as it is for this webhook. */
  readonly position: number;
  /** Since when nothing was taken any more; null when the last attempt succeeded. */
  readonly failingSince: Date | null;
  /** How long messages are signed with the secret before too; null without one. */
  readonly previousUntil: Date | null;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = `webhook_id as "webhookId", user_id as "userId", name, url, types, enabled, disabled_cause as "disabledCause", position,
  failing_since as "failingSince", case when previous_until > now() then previous_until end as "previousUntil", revision,
  created_at as "createdAt", updated_at as "updatedAt"`;

/** How many webhooks there may be: each may have so many requests under way at once. */
export const maxWebhooks = 200;

export interface NewWebhook {
  readonly webhookId: string;
  readonly userId: string;
  readonly name: string;
  readonly url: string;
  readonly types: readonly string[];
  /** What its maker may do, as a claim. */
  readonly grants: unknown;
  readonly sealedSecret: Buffer;
}

/**
 * Inserts a webhook that is told of what comes from now on, and answers it; undefined when its name is taken. Throws nothing for too
 * many: ask `countWebhooks` before.
 */
export async function insertWebhook(tx: Sql, webhook: NewWebhook): Promise<Webhook | undefined> {
  const [inserted] = await tx.query<Webhook>(
    `insert into webhook (webhook_id, user_id, name, url, types, grants, sealed_secret, position)
     select $1, $2, $3, $4, $5, $6::jsonb, $7, position from log.head
     on conflict (name) do nothing returning ${columns}`,
    [webhook.webhookId, webhook.userId, webhook.name, webhook.url, webhook.types, JSON.stringify(webhook.grants), webhook.sealedSecret],
  );
  return inserted;
}

/** How many webhooks there are. */
export async function countWebhooks(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ webhooks: number }>('select count(*) as webhooks from webhook');
  return row?.webhooks ?? 0;
}

/** A webhook by its id; undefined when there is none. */
export async function findWebhook(sql: Sql, webhookId: string): Promise<Webhook | undefined> {
  const [found] = await sql.query<Webhook>(`select ${columns} from webhook where webhook_id = $1`, [webhookId]);
  return found;
}

/** The same, locked until the transaction ends. */
export async function lockWebhook(tx: Sql, webhookId: string): Promise<Webhook | undefined> {
  const [found] = await tx.query<Webhook>(`select ${columns} from webhook where webhook_id = $1 for update`, [webhookId]);
  return found;
}

/** Webhooks, the newest first, before an id, `limit` at most. */
export async function listWebhooks(sql: Sql, page: { before: string | undefined; limit: number }): Promise<Webhook[]> {
  return sql.query<Webhook>(
    `select ${columns} from webhook where ($1::text is null or webhook_id < $1) order by webhook_id desc limit $2`,
    [page.before ?? null, page.limit],
  );
}

/** Where a webhook goes to, what it is told of, and as whom it reads that. */
export type WebhookSettings = Pick<Webhook, 'webhookId' | 'userId' | 'name' | 'url' | 'types'> & { readonly grants: unknown };

/** Sets them and answers the webhook; undefined when the name is another one's. */
export async function updateWebhook(tx: Sql, webhook: WebhookSettings): Promise<Webhook | undefined> {
  const [updated] = await tx.query<Webhook>(
    `update webhook set user_id = $2, name = $3, url = $4, types = $5, grants = $6::jsonb, revision = revision + 1, updated_at = now()
     where webhook_id = $1 and not exists (select from webhook other where other.name = $3 and other.webhook_id <> $1)
     returning ${columns}`,
    [webhook.webhookId, webhook.userId, webhook.name, webhook.url, webhook.types, JSON.stringify(webhook.grants)],
  );
  return updated;
}

/** Lets a webhook be told of what there is behind its position, or of nothing; answers it. Its count of failures begins anew. */
export async function setEnabled(tx: Sql, webhookId: string, cause: DisabledCause | undefined): Promise<Webhook | undefined> {
  const [updated] = await tx.query<Webhook>(
    `update webhook set enabled = $2, disabled_cause = $3, failing_since = case when $2 then null else failing_since end,
       revision = revision + 1, updated_at = now()
     where webhook_id = $1 returning ${columns}`,
    [webhookId, cause === undefined, cause ?? null],
  );
  return updated;
}

/** Gives a webhook a new secret and answers it; messages are signed with the one before too, for so many hours. */
export async function rotateWebhookSecret(
  tx: Sql,
  { webhookId, sealedSecret, overlapHours }: { webhookId: string; sealedSecret: Buffer; overlapHours: number },
): Promise<Webhook | undefined> {
  const [rotated] = await tx.query<Webhook>(
    `update webhook set sealed_secret = $2, revision = revision + 1, updated_at = now(),
       previous_sealed_secret = case when $3 > 0 then sealed_secret end,
       previous_until = case when $3 > 0 then now() + make_interval(hours => $3) end
     where webhook_id = $1 returning ${columns}`,
    [webhookId, sealedSecret, overlapHours],
  );
  return rotated;
}

/** Takes a webhook away, with its deliveries. */
export async function deleteWebhook(tx: Sql, webhookId: string): Promise<void> {
  await tx.query('delete from webhook where webhook_id = $1', [webhookId]);
}

/** What a webhook reads by: its own grants and what its user may do now. */
export interface Ownership {
  readonly grants: unknown;
  readonly held: HeldRole[];
}

/** SQL: `Ownership` of `webhook join users using (user_id)`. */
export const ownership = `webhook.grants, ${heldBy("'user:' || webhook.user_id")} as held`;

/** How a delivery is made. */
export interface Target extends Ownership {
  readonly url: string;
  readonly disabled: boolean;
  readonly sealedSecret: Buffer;
  /** Null when messages are signed with one secret. */
  readonly previousSealedSecret: Buffer | null;
}

/** Where a webhook's deliveries go; undefined when it is gone. */
export async function findTarget(sql: Sql, webhookId: string): Promise<Target | undefined> {
  const [found] = await sql.query<Target>(
    `select url, disabled, ${ownership}, sealed_secret as "sealedSecret",
       case when previous_until > now() then previous_sealed_secret end as "previousSealedSecret"
     from webhook join users using (user_id) where webhook_id = $1`,
    [webhookId],
  );
  return found;
}
