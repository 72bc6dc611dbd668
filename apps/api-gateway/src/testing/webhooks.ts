import { eventually } from '@fairlead/testing';
import { startIdentityStage, type IdentityStage, type TestUser } from './identity.js';
import type { Overrides } from '../index.js';
import type { Answer } from './gateway.js';

export interface MadeWebhook {
  readonly id: string;
  readonly secret: string;
}

/** For specs: a gateway that may call this machine, and an admin who makes webhooks. */
export interface WebhookStage extends IdentityStage {
  /** Calls as the admin; the path goes on from `/admin/v1/webhooks`. */
  ask(method: string, path?: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  hook(url: string, types?: string[]): Promise<MadeWebhook>;
  /** Lets something happen that `user.user_created` tells of. */
  happen(): Promise<TestUser>;
  /** The only delivery of a webhook, once it is as it should be. */
  delivery(webhookId: string, as: (delivery: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  deliveries(webhookId: string, query?: string): Promise<Record<string, unknown>[]>;
}

/** Deliveries are tried again after some 10 ms, thrice in all. */
const fast = { pollMs: 20, retryMs: 10, maxAttempts: 3 };
const allowed = { OUTBOUND_ALLOW_CIDRS: '127.0.0.1/32' };

/** Starts a stage; the caller stops it. */
export async function startWebhookStage(overrides: Overrides['webhooks'] = {}, env: Record<string, string> = {}): Promise<WebhookStage> {
  const stage = await startIdentityStage({ ...allowed, ...env }, { webhooks: { ...fast, ...overrides } });
  const ask: WebhookStage['ask'] = (method, path = '', body?: unknown, headers = {}) =>
    stage.gateway.call(method, `/admin/v1/webhooks${path}`, { token: stage.admin, body, headers });
  let made = 0;
  const deliveries: WebhookStage['deliveries'] = async (webhookId, query = '') =>
    (await ask('GET', `/${webhookId}/deliveries${query}`)).body['items'] as Record<string, unknown>[];
  return {
    ...stage,
    ask,
    hook: async (url, types = ['user.user_created']) => {
      const { status, body } = await ask('POST', '', { name: `hook-${String(++made)}`, url, types });
      if (status !== 201) throw new Error(`the webhook was answered with ${String(status)}: ${JSON.stringify(body)}`);
      return { id: String(body['webhook_id']), secret: String(body['secret']) };
    },
    happen: () => stage.newUser('viewer'),
    deliveries,
    delivery: (webhookId, as) =>
      eventually(
        async () => {
          const [one] = await deliveries(webhookId);
          return one !== undefined && as(one) ? one : undefined;
        },
        { timeoutMs: 15_000, what: 'the delivery to be as it should be' },
      ),
  };
}
