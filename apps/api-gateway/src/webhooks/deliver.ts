/** Makes one delivery: what it says is made from the log each time, so that it holds what its webhook may read at that moment. */
import { readEventsAt, readHead, type StoredEvent } from '@fairlead/event-log';
import { failpoint } from '@fairlead/failpoints';
import { OutboundError, type Outbound } from '@fairlead/outbound';
import type { Database } from '@fairlead/postgres';
import { admits, seesPart } from '../domain/audience.js';
import { eventMessage, testMessage, webhookContentType } from '../domain/webhook-message.js';
import { retryAfterMs } from '../domain/webhook-retry.js';
import { signatureHeaders } from '../domain/webhook-signature.js';
import type { Sealer } from '../identity/sealing.js';
import { noteFailure, noteSuccess, settleDelivery, type Claimed, type Outcome } from '../store/webhook-queue.js';
import { findTarget, lockWebhook, setEnabled, type DisabledCause, type Target } from '../store/webhooks.js';
import type { Change } from '../streams/change-forms.js';
import { readerOf } from './reader.js';
import { record } from './webhooks.js';

export interface DeliverDeps {
  readonly database: Database;
  readonly outbound: Outbound;
  readonly sealer: Sealer;
  readonly formsOf: (event: StoredEvent) => Change;
  /** How long a receiver may take to answer. */
  readonly timeoutMs: number;
  /** After so many attempts a delivery is dead. */
  readonly maxAttempts: number;
  /** How long to wait after the first one. */
  readonly retryMs: number;
  /** After so many hours of nothing but failures a webhook is disabled. */
  readonly disableAfterHours: number;
}

const maxAnswerBytes = 65_536;
const gone = 410;

/** Why a message is not sent, and never will be. */
class Unsendable extends Error {}

/**
 * Sends what was claimed and writes down what became of it; a failure is tried again later, or is the last. Answers the outcome, or
 * undefined when the claim is another one's by now. Throws when the database can't be reached.
 */
export async function deliver(deps: DeliverDeps, claimed: Claimed): Promise<Outcome | undefined> {
  const outcome = await attempt(deps, claimed);
  await failpoint('webhook.delivery.before_settle');
  return (await settle(deps, claimed, outcome)) ? outcome : undefined;
}

async function attempt(deps: DeliverDeps, claimed: Claimed): Promise<Outcome> {
  const target = await findTarget(deps.database, claimed.webhookId);
  if (target === undefined) return { error: 'the webhook is gone' };
  const started = performance.now();
  try {
    const body = await bodyOf(deps, claimed, target);
    const message = { id: claimed.messageId, timestamp: Math.floor(Date.now() / 1_000), body };
    const { status, durationMs } = await deps.outbound.request({
      method: 'POST',
      url: target.url,
      headers: {
        'content-type': webhookContentType,
        'user-agent': 'fairlead-webhook/1',
        ...signatureHeaders(message, secretsOf(deps.sealer, claimed.webhookId, target)),
      },
      body,
      timeoutMs: deps.timeoutMs,
      maxResponseBytes: maxAnswerBytes,
    });
    if (status >= 200 && status < 300) return { statusCode: status, durationMs };
    return { statusCode: status, durationMs, error: `it answered ${status}`, ...retry(deps, claimed) };
  } catch (error) {
    if (error instanceof Unsendable) return { error: error.message };
    if (!(error instanceof OutboundError)) throw error;
    return { error: error.message, durationMs: performance.now() - started, ...retry(deps, claimed) };
  }
}

async function bodyOf({ database, formsOf }: DeliverDeps, claimed: Claimed, target: Target): Promise<string> {
  if (claimed.position === null) return testMessage(claimed.messageId, claimed.webhookId, claimed.createdAt);
  const [event] = await readEventsAt(database, [claimed.position]);
  if (event === undefined) throw new Unsendable('the log does not hold the event');
  const change = formsOf(event);
  const reader = readerOf(target);
  if (target.disabled || !admits(change.audience, reader)) throw new Unsendable('its user may not read the event any more');
  const { incarnation } = await readHead(database);
  return eventMessage(claimed.messageId, change.view(incarnation, seesPart(change.audience, reader)));
}

function secretsOf(sealer: Sealer, webhookId: string, { sealedSecret, previousSealedSecret }: Target): Buffer[] {
  const opened = [sealedSecret, previousSealedSecret].flatMap((sealed) => (sealed === null ? [] : [sealer.open(webhookId, sealed)]));
  const secrets = opened.filter((secret) => secret !== undefined);
  if (secrets.length === 0) throw new Unsendable('its secret was sealed with another key (IDENTITY_KEY_FILE)');
  return secrets;
}

/** A test is sent once: whoever asked for it looks at what comes of it. */
function retry({ maxAttempts, retryMs }: DeliverDeps, { attempts, position }: Claimed): { retryMs?: number } {
  if (position === null || attempts >= maxAttempts) return {};
  return { retryMs: retryAfterMs(attempts, { firstMs: retryMs, random: Math.random() }) };
}

async function settle({ database, disableAfterHours }: DeliverDeps, claimed: Claimed, outcome: Outcome): Promise<boolean> {
  return database.transaction(async (tx) => {
    // The webhook before its delivery, as whoever deletes it takes them.
    const webhook = await lockWebhook(tx, claimed.webhookId);
    if (webhook === undefined || !(await settleDelivery(tx, claimed, outcome))) return false;
    if (outcome.error === undefined) await noteSuccess(tx, claimed.webhookId);
    else if (claimed.position !== null && outcome.durationMs !== undefined) {
      const failing = await noteFailure(tx, claimed.webhookId, disableAfterHours);
      const cause: DisabledCause | undefined = outcome.statusCode === gone ? 'gone' : failing?.tooLong === true ? 'failures' : undefined;
      if (failing === undefined || cause === undefined || !webhook.enabled) return true;
      await setEnabled(tx, claimed.webhookId, cause);
      const payload = { name: webhook.name, cause, failing_since: failing.failingSince.toISOString() };
      await record(tx, webhook, { type: 'webhook_disabled', payload });
    }
    return true;
  });
}
