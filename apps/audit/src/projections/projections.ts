import { newId } from '@fairlead/contracts';
import { appendInTransaction, startProjection, type Projection } from '@fairlead/event-log';
import type { ServiceResources } from '@fairlead/service-runtime';
import { newContext, runInContext } from '@fairlead/telemetry';
import { aggregateSummary } from './aggregate-summary/projection.js';
import { auditRecord } from './audit-record/projection.js';

/** The projections of this service. */
export const projections = [auditRecord, aggregateSummary] as const;

/** Starts a worker of each. A swap and the event that tells of it are one transaction. */
export function startProjections({ database: db, messaging, logger, registry }: ServiceResources): Projection[] {
  return projections.map((definition) =>
    startProjection({
      ...{ definition, db, messaging, logger, registry },
      onSwapped: async (tx, { epoch, previousEpoch, position }) => {
        const payload = { epoch, previous_epoch: previousEpoch, position };
        const event = { aggregateType: 'projection', aggregateId: definition.name, type: 'swapped', payload } as const;
        await runInContext(newContext({ principal: 'service:audit' }), () =>
          appendInTransaction(tx, { commandId: newId('command'), events: [event] }),
        );
      },
    }),
  );
}
