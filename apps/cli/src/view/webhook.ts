/** Webhooks as people read them. */
import type { Webhook } from '../webhooks-api.js';
import { fields, table } from './table.js';

export function renderWebhooks(webhooks: readonly Webhook[]): string {
  return table(
    ['id', 'name', 'address', 'types', 'state', 'position', 'failing since'],
    webhooks.map((webhook) => [
      ...[webhook.webhook_id, webhook.name, webhook.url, webhook.types?.join(', ')],
      webhook.enabled === false ? `disabled (${webhook.disabled_cause ?? 'unknown'})` : 'enabled',
      ...[webhook.position, webhook.failing_since],
    ]),
  );
}

/** A webhook with the secret that is shown once. */
export function renderWebhookSecret(webhook: Webhook & { secret: string }): string {
  return fields([
    ['secret', webhook.secret],
    ['id', webhook.webhook_id],
    ['name', webhook.name],
    ['address', webhook.url],
    ...(webhook.previous_until == null ? [] : [['before', `signs too until ${webhook.previous_until}`] as const]),
  ]);
}
