/** What a webhook says: a CloudEvent (1.0, structured JSON) around an event as the change stream shows it. Pure. */
import { createHash } from 'node:crypto';
import type { StoredEvent } from '@fairlead/event-log';
import type { ChangeView } from './change-view.js';

export const webhookContentType = 'application/cloudevents+json; charset=utf-8';

/** The type of the message that a test sends. */
export const testType = 'fairlead.webhook_test';

/**
 * The id of an event's message: the same whenever it is made, and another one for what a restored log holds at its position. Without a
 * dot, which separates the parts of what is signed.
 */
export function messageIdOf(event: Pick<StoredEvent, 'position' | 'aggregateType' | 'aggregateId' | 'version' | 'recordedAt'>): string {
  const { position, aggregateType, aggregateId, version, recordedAt } = event;
  const named = JSON.stringify([position, aggregateType, aggregateId, version, recordedAt.toISOString()]);
  return `evt_${createHash('sha256').update(named).digest('hex').slice(0, 32)}`;
}

/** The message of an event, as JSON. */
export function eventMessage(id: string, view: ChangeView): string {
  return cloudEvent({
    id,
    type: `${view.aggregate_type}.${view.type}`,
    subject: `${view.aggregate_type}:${view.aggregate_id}`,
    time: view.recorded_at,
    data: view,
  });
}

/** The message of a test, as JSON. */
export function testMessage(id: string, webhookId: string, time: Date): string {
  return cloudEvent({ id, type: testType, subject: `webhook:${webhookId}`, time: time.toISOString(), data: { webhook_id: webhookId } });
}

function cloudEvent(event: { id: string; type: string; subject: string; time: string; data: object }): string {
  const { data, ...attributes } = event;
  return JSON.stringify({ specversion: '1.0', source: '/fairlead', ...attributes, datacontenttype: 'application/json', data });
}

/** Whether an event type is one of those asked for: `job.job_created`, `job.step_*`, `job.*`. */
export function isAskedFor(types: readonly string[], { aggregateType, type }: { aggregateType: string; type: string }): boolean {
  const name = `${aggregateType}.${type}`;
  return types.some((asked) => (asked.endsWith('*') ? name.startsWith(asked.slice(0, -1)) : name === asked));
}
