import { describeError, wholePlacementMap } from '@fairlead/contracts';
import { appendInTransaction, pokeLog } from '@fairlead/event-log';
import type { Messaging } from '@fairlead/messaging';
import type { BucketFindings, PlacementPublisher, PlacementSource } from '@fairlead/placement-map';
import type { Database } from '@fairlead/postgres';
import { newContext, runInContext, type Logger } from '@fairlead/telemetry';
import type { PublicationMetrics } from './publication-metrics.js';

/** Compares now and then what KV holds, value by value, with what the database says. */
export interface Sweep {
  due(): boolean;
  /**
   * Compares; the source is what is published. True when something differs, which the log then tells: it has to be published anew. The next
   * sweep is due soon after that, and when KV could not be read. Never throws.
   */
  run(source: PlacementSource): Promise<boolean>;
  /** What the last sweep found, or undefined when all was as it should be. */
  problem(): string | undefined;
}

/**
 * Makes the sweep, due every `everyMs`: at start publication compares by itself. `soonMs` is how long a publication may take
 * before the sweep after it.
 */
export function createSweep(options: {
  database: Database;
  messaging: Messaging;
  publisher: Pick<PlacementPublisher, 'verify'>;
  logger: Logger;
  metrics: PublicationMetrics;
  everyMs: number;
  soonMs: number;
}): Sweep {
  const { database, messaging, publisher, logger, metrics, everyMs, soonMs } = options;
  // Replicas that start together do not sweep together.
  let dueAtMs = performance.now() + everyMs * (0.5 + Math.random() / 2);
  let problem: string | undefined;

  async function compare(source: PlacementSource): Promise<boolean> {
    const findings = await publisher.verify(source);
    // Another replica has published something newer, or KV lost it, which publication finds by itself.
    if (findings === undefined) return false;
    const { damaged, differing } = findings;
    const differs = damaged.length + differing.length > 0;
    metrics.swept(differs ? 'different' : 'same');
    if (differs) {
      logger.error({ damaged, differing }, 'placement in KV is not what the database says; publishing it anew');
      problem = 'placement in KV was not what the database says';
      await report(source, findings);
    } else if (problem !== undefined) {
      logger.info('placement in KV is what the database says again');
      problem = undefined;
    }
    return differs;
  }

  async function report({ epoch, revision }: PlacementSource, findings: BucketFindings): Promise<void> {
    const { damaged, differing } = findings;
    const { lastPosition } = await runInContext(newContext({ principal: 'service:placement' }), () =>
      database.transaction((tx) =>
        appendInTransaction(tx, {
          events: [
            {
              aggregateType: 'placement_map',
              aggregateId: wholePlacementMap,
              type: 'placement_bucket_differed',
              payload: { epoch, revision, damaged: [...damaged], differing: [...differing] },
              meta: { reason: 'a sweep compared KV with the database' },
            },
          ],
        }),
      ),
    );
    pokeLog(messaging, lastPosition);
  }

  return {
    due: () => performance.now() >= dueAtMs,
    async run(source) {
      try {
        const differs = await compare(source);
        dueAtMs = performance.now() + (differs ? soonMs : everyMs);
        return differs;
      } catch (error) {
        metrics.swept('failed');
        logger.warn({ error: describeError(error) }, 'placement in KV could not be compared with the database; trying again');
        dueAtMs = performance.now() + Math.min(everyMs, 10 * soonMs);
        return false;
      }
    },
    problem: () => problem,
  };
}
