import { appendInTransaction, pokeLog, startProjection, type Projection } from '@fairlead/event-log';
import type { ServiceResources } from '@fairlead/service-runtime';
import { newContext, runInContext } from '@fairlead/telemetry';
import { aggregateSummary } from './aggregate-summary/projection.js';
import { auditRecord } from './audit-record/projection.js';

/** The projections of this service. */
export const projections = [auditRecord, aggregateSummary] as const;

/** Starts a worker of each. The event that tells of a swap has an id of its epoch's, so that it is appended once. */
export function startProjections({ database: db, messaging, logger, registry }: ServiceResources): Projection[] {
  return projections.map((definition) =>
    startProjection({
      ...{ definition, db, messaging, logger, registry },
      onSwapped: async ({ epoch, previousEpoch, position }) => {
        const payload = { epoch, previous_epoch: previousEpoch, position };
        const event = { aggregateType: 'projection', aggregateId: definition.name, type: 'swapped', payload } as const;
        const command = { commandId: `swapped:${definition.name}:${epoch}`, events: [event] };
        const { lastPosition } = await runInContext(newContext({ principal: 'service:audit' }), () =>
          db.transaction((tx) => appendInTransaction(tx, command)),
        );
        pokeLog(messaging, lastPosition);
      },
    }),
  );
}
