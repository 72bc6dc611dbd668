import type { EventCatalogue } from '@fairlead/contracts';
import { decodeEvent } from '@fairlead/event-log';
import { createOutbound, publicPolicy } from '@fairlead/outbound';
import type { Database } from '@fairlead/postgres';
import type { Logger, Registry } from '@fairlead/telemetry';
import type { Config } from '../config.js';
import type { Sealer } from '../identity/sealing.js';
import { changeForms } from '../streams/change-forms.js';
import type { Webhooks } from './webhooks.js';
import { startWebhooks, type WebhookWorkerOptions } from './worker.js';

export interface OpenWebhooksOptions {
  readonly config: Config;
  readonly database: Database;
  readonly sealer: Sealer | undefined;
  readonly catalogue: EventCatalogue;
  readonly logger: Logger;
  readonly registry: Registry;
  /** How deliveries are made, in place of what the settings say. */
  readonly worker?: Partial<WebhookWorkerOptions>;
}

/** Makes what the API's routes need, and starts to deliver; without a key for their secrets nothing is delivered. */
export function openWebhooks({ config, worker, ...options }: OpenWebhooksOptions): { webhooks: Webhooks; stop: () => Promise<void> } {
  const { database, sealer } = options;
  const policy = publicPolicy({ allowedCidrs: config.OUTBOUND_ALLOW_CIDRS, allowedHosts: config.OUTBOUND_ALLOW_HOSTS });
  const formsOf = changeForms({ ...options, decode: decodeEvent });
  const webhooks = { database, sealer, policy, formsOf };
  if (sealer === undefined) return { webhooks, stop: () => Promise.resolve() };
  const stop = startWebhooks({
    ...options,
    sealer,
    formsOf,
    outbound: createOutbound({ policy, connectTimeoutMs: 5_000 }),
    timeoutMs: config.WEBHOOK_TIMEOUT_MS,
    maxAttempts: config.WEBHOOK_MAX_ATTEMPTS,
    retryMs: 5_000,
    disableAfterHours: config.WEBHOOK_DISABLE_AFTER_HOURS,
    keepDays: config.WEBHOOK_KEEP_DAYS,
    ...worker,
  });
  return { webhooks, stop };
}
