import { wholePlacementMap } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { newContext, runInContext } from '@fairlead/telemetry';
import { epochToRaise, type Look, type Version } from './domain/epoch.js';
import { beginEpoch, lockMeta, readOwnState } from './store/meta.js';

/**
 * Makes our state newer than what KV knows, if it is not; see domain/epoch.ts for when. Answers the new epoch, or
 * undefined when none was due, with its event's position.
 */
export async function agreeOnEpoch(
  database: Database,
  look: Look,
  conflict?: Version,
): Promise<{ epoch: number; position: number } | undefined> {
  if (epochToRaise(await readOwnState(database), look, conflict) === undefined) return undefined;
  return runInContext(newContext({ principal: 'service:placement' }), () =>
    database.transaction(async (tx) => {
      await lockMeta(tx);
      // Another replica may have seen the same and raised it first.
      const own = await readOwnState(tx);
      const { known } = look;
      const epoch = epochToRaise(own, look, conflict);
      if (epoch === undefined) return undefined;
      await beginEpoch(tx, epoch);
      const { lastPosition } = await appendInTransaction(tx, {
        events: [
          {
            aggregateType: 'placement_map',
            aggregateId: wholePlacementMap,
            type: 'placement_epoch_raised',
            payload: {
              epoch,
              revision: own.revision,
              previous_epoch: own.epoch,
              bucket_created: own.bucketCreated,
              found: known === undefined ? null : { epoch: known.epoch, revision: known.revision, bucket_created: known.bucketCreated },
            },
            meta: { reason: 'KV lost its placement, or knew a newer one than the database' },
          },
        ],
      });
      return { epoch, position: lastPosition };
    }),
  );
}
