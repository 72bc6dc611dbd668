/** The gateway's operations on webhooks. */
import { randomUUID } from 'node:crypto';
import type { Body, Query, Schema } from '@fairlead/api-client';
import type { Loose } from './http/answer.js';
import type { Caller, PageRequest } from './http/caller.js';

export type Webhook = Loose<Schema<'Webhook'>>;
export type Delivery = Loose<Schema<'WebhookDelivery'>>;

/** Binds these operations to a client. */
export function createWebhooksApi({ one, list }: Caller) {
  return {
    webhooks: (page: PageRequest) => list('webhooks.list', {}, page),
    createWebhook: (body: Body<'webhooks.create'>, key: string) =>
      one('webhooks.create', { headers: { 'Idempotency-Key': key }, body }, ['webhook_id', 'secret']),
    rotateWebhookSecret: (id: string, overlapHours: number | undefined, key: string) =>
      one('webhooks.rotate', { path: { id }, headers: { 'Idempotency-Key': key }, body: { overlap_hours: overlapHours } }, ['secret']),
    deleteWebhook: (id: string, ifMatch: string) => one('webhooks.delete', { path: { id }, headers: { 'If-Match': ifMatch } }),
    deliveries: (id: string, query: Query<'webhookDeliveries.list'>) => one('webhookDeliveries.list', { path: { id }, query }, ['items']),
    replayDelivery: (id: string, delivery: string) =>
      one('webhookDeliveries.replay', { path: { id, delivery }, headers: { 'Idempotency-Key': randomUUID() } }),
  };
}
