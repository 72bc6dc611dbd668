import { z } from 'zod';
import type { logV1 } from '@fairlead/contracts';
import { waitForProjection } from '@fairlead/event-log';
import type { Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import { aggregateSummary } from '../projections/aggregate-summary/projection.js';
import type { AggregateSummary } from '../projections/aggregate-summary/type.js';

export interface AggregateDeps {
  readonly sql: Sql;
  readonly messaging: Messaging;
}

export const aggregateType = z.string().max(64, 'longer than 64 characters');
export const aggregateId = z.string().max(255, 'longer than 255 characters');

/** How long an answer may wait for the summaries to reach the position asked for. */
const waitTimeoutMs = 2_000;

/** Waits until the summaries hold a position; 0 waits for nothing. Throws `projection_lagging`. */
export async function waitForSummaries({ sql, messaging }: AggregateDeps, position: number, signal: AbortSignal): Promise<void> {
  if (position === 0) return;
  await waitForProjection({ sql, messaging, name: aggregateSummary.name, position, timeoutMs: waitTimeoutMs, signal });
}

/** An aggregate's summary on the wire. */
export function aggregateMessage({ firstTime, lastTime, tenantId, eventCounts, ...summary }: AggregateSummary): logV1.Aggregate {
  return {
    ...summary,
    firstTime: firstTime.toISOString(),
    lastTime: lastTime.toISOString(),
    tenantId: tenantId ?? '',
    eventCounts: { ...eventCounts },
  };
}
