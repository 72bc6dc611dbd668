import { startProjection, type StoredEvent } from '@fairlead/event-log';
import type { Transaction } from '@fairlead/postgres';
import type { ServiceResources } from '@fairlead/service-runtime';
import { recordOf } from './domain/record.js';
import { insertRecords } from './store/records.js';

/** The trail's checkpoint among the log's projections. */
export const projectionName = 'audit_record';

/** Follows the log and keeps one record of each event. */
export function startTrail({ database, messaging, logger, registry }: ServiceResources): ReturnType<typeof startProjection> {
  return startProjection({ name: projectionName, db: database, messaging, apply: appendRecords, logger, registry });
}

/** Adds the records of a batch of events, in the transaction that advances the checkpoint. */
export function appendRecords(tx: Transaction, events: readonly StoredEvent[]): Promise<void> {
  return insertRecords(tx, events.map(recordOf));
}
