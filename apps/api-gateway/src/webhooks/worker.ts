/** Delivers to webhooks: one worker in each gateway, which share the work by rows. */
import { setTimeout as pause } from 'node:timers/promises';
import { Counter, type Registry } from 'prom-client';
import { describeError } from '@fairlead/contracts';
import type { Outbound } from '@fairlead/outbound';
import { newContext, runInContext, type Logger } from '@fairlead/telemetry';
import { claimDeliveries, pruneDeliveries, releaseDelivery, type Claimed } from '../store/webhook-queue.js';
import { deliver, type DeliverDeps } from './deliver.js';
import { fanOut } from './fan-out.js';

export interface WebhookWorkerOptions extends DeliverDeps {
  readonly outbound: Outbound;
  readonly logger: Logger;
  readonly registry: Registry;
  /** How long deliveries that have ended are kept. */
  readonly keepDays: number;
  /** How long to wait when there is nothing to do; 1 s when not given. */
  readonly pollMs?: number;
  /** How many requests to one webhook may be under way; 8 when not given. */
  readonly perWebhook?: number;
  /** After how long others may take over what this worker has begun; when a receiver's time is up and 20 s when not given. */
  readonly leaseMs?: number;
  /** How long requests may go on once it stops; 5 s when not given. */
  readonly drainMs?: number;
}

const pruneEveryMs = 60_000;

/** Starts to deliver; answers how to end it, which resolves when nothing of it is left. */
export function startWebhooks(options: WebhookWorkerOptions): () => Promise<void> {
  const { database, outbound, logger, timeoutMs, pollMs = 1_000, perWebhook = 8, drainMs = 5_000 } = options;
  const { leaseMs = timeoutMs + 20_000 } = options;
  const deliveries = new Counter({
    name: 'fairlead_webhook_deliveries_total',
    help: 'Attempts to deliver to webhooks, by what became of them: delivered, failed (tried again), dead.',
    labelNames: ['outcome'],
    registers: [options.registry],
  });
  const stopping = new AbortController();
  const underWay = new Map<string, number>();
  const running = new Set<Promise<void>>();
  let wake = new AbortController();
  let prunedAt = performance.now();
  let failing = false;

  function begin(claimed: Claimed): void {
    const { webhookId } = claimed;
    underWay.set(webhookId, (underWay.get(webhookId) ?? 0) + 1);
    const work = runInContext(newContext({ principal: 'service:api-gateway' }), () => make(claimed)).finally(() => {
      const left = (underWay.get(webhookId) ?? 1) - 1;
      if (left === 0) underWay.delete(webhookId);
      else underWay.set(webhookId, left);
      running.delete(work);
      wake.abort();
    });
    running.add(work);
  }

  async function make(claimed: Claimed): Promise<void> {
    try {
      const outcome = await deliver({ ...options, outbound: unlessCutOff(outbound, stopping.signal) }, claimed);
      if (outcome === undefined) return;
      deliveries.inc({ outcome: outcome.error === undefined ? 'delivered' : outcome.retryMs === undefined ? 'dead' : 'failed' });
    } catch (error) {
      // Its lease brings it back; when the worker stops it need not wait for that.
      logger.warn({ delivery_id: claimed.deliveryId, reason: describeError(error) }, 'a delivery was broken off; it is made again');
      if (stopping.signal.aborted) await releaseDelivery(database, claimed).catch(() => undefined);
    }
  }

  /** Does what there is to do now; answers whether there may be more. */
  async function turn(): Promise<boolean> {
    if (performance.now() - prunedAt > pruneEveryMs) {
      prunedAt = performance.now();
      await pruneDeliveries(database, options.keepDays);
    }
    const more = await fanOut(options);
    const claimed = await claimDeliveries(database, { perWebhook, underWay, leaseMs });
    claimed.forEach(begin);
    return more || claimed.length > 0;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      wake = new AbortController();
      let more = false;
      try {
        more = await turn();
        if (failing) logger.info('webhooks are looked after again');
        failing = false;
      } catch (error) {
        if (!failing) logger.warn({ reason: describeError(error) }, 'webhooks could not be looked after; it is tried again');
        failing = true;
      }
      const signal = failing ? stopping.signal : AbortSignal.any([stopping.signal, wake.signal]);
      if (!more) await pause(pollMs, undefined, { signal }).catch(() => undefined);
    }
  }

  const loop = run();
  return async () => {
    stopping.abort();
    await loop;
    const drained = new AbortController();
    await Promise.race([Promise.all(running), pause(drainMs, undefined, { signal: drained.signal }).catch(() => undefined)]);
    drained.abort();
    // What still waits for a receiver is cut off here, and given back.
    await outbound.close();
    await Promise.all(running);
  };
}

/** A receiver is not to blame for what the worker itself has cut off. */
function unlessCutOff(outbound: Outbound, stopping: AbortSignal): Outbound {
  return {
    close: () => outbound.close(),
    request: async (request) => {
      try {
        return await outbound.request(request);
      } catch (error) {
        if (stopping.aborted) throw new Error('the worker stops', { cause: error });
        throw error;
      }
    },
  };
}
