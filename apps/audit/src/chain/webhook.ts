/**
 * Posts anchors to a receiver outside, each until it is taken, in the order in which they were made. A receiver may get
 * one twice: its digest is the idempotency key. Nothing waits for it.
 */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { describeError } from '@fairlead/contracts';
import type { Outbound } from '@fairlead/outbound';
import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { anchorToPost, markPosted } from '../store/anchors.js';
import { lineOf } from './anchor-source.js';

export interface WebhookOptions {
  readonly sql: Sql;
  readonly outbound: Outbound;
  readonly url: string;
  /** Goes along as a bearer token. */
  readonly token?: string;
  readonly logger: Logger;
  /** How long to wait when there is nothing to post, and between tries at first. */
  readonly lookMs?: number;
}

const maxRetryMs = 60_000;

/** Starts to post; answers how to end it. */
export function startWebhook({ sql, outbound, url, token, logger, lookMs = 1_000 }: WebhookOptions): () => Promise<void> {
  const aborter = new AbortController();
  const { signal } = aborter;
  let failures = 0;

  /** Posts the oldest; false when there is none. */
  async function postNext(): Promise<boolean> {
    const kept = await anchorToPost(sql);
    if (kept === undefined) return false;
    const { status } = await outbound.request({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/json',
        'idempotency-key': createHash('sha256').update(kept.jws).digest('hex'),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: `${await lineOf(sql, kept)}\n`,
      timeoutMs: 10_000,
      maxResponseBytes: 65_536,
    });
    if (status < 200 || status >= 300) throw new Error(`the receiver of anchors answered ${status}`);
    await markPosted(sql, kept.id);
    return true;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        const posted = await postNext();
        if (failures > 0 && posted) logger.info('anchors are posted again');
        if (posted) failures = 0;
        if (posted) continue;
      } catch (error) {
        if (failures === 0) logger.warn({ reason: describeError(error) }, 'an anchor could not be posted; it is tried again');
        failures += 1;
      }
      await pause(Math.min(lookMs * 2 ** Math.min(failures, 10), maxRetryMs), undefined, { signal }).catch(() => undefined);
    }
  }

  const running = run();
  return async () => {
    aborter.abort();
    await outbound.close();
    await running;
  };
}
