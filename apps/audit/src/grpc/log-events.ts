import { z } from 'zod';
import type { logV1 } from '@fairlead/contracts';
import type { StoredEvent } from '@fairlead/event-log';

export const positionInput = z.int().min(0, 'not a position');

/** An event on the wire, whole. */
export function eventMessage({ recordedAt, payload, meta, ...event }: StoredEvent): logV1.LogEvent {
  return { ...event, recordedAt: recordedAt.toISOString(), payloadJson: JSON.stringify(payload), metaJson: JSON.stringify(meta) };
}
