import { describeError } from '@fairlead/contracts';
import type { Database } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { endpointKey, isAhead, latestOf, stateOf, type Endpoint, type EndpointHealth } from '../domain/health.js';
import { readSnapshot, storeSensed, type KeepingRules, type Snapshot } from '../store/snapshot.js';

/** Which endpoints there are, and when that was found out. */
export interface Registered {
  readonly endpoints: readonly Endpoint[];
  readonly asOf: Date;
  /** True while nobody can tell and they are those last seen: others may have come since, so that none is gone for not being among them. */
  readonly assumed?: boolean;
}

/** What is known of the fleet: in memory for whoever asks, in the database for the next start and for comparing. */
export interface Known {
  snapshot: () => Snapshot;
  /** What is known of one endpoint. */
  of(endpoint: Endpoint): EndpointHealth | undefined;
  /**
   * Keeps what was sensed, newer over older; with `registered`, all others that were not seen since are gone. What can't be stored is
   * served all the same, and its changes are told when they can be stored.
   */
  keep(sensed: readonly EndpointHealth[], registered?: Registered): Promise<void>;
}

/** Begins with what is stored. */
export async function createKnown(options: {
  database: Database;
  logger: Logger;
  rules: KeepingRules;
  /** Called after each commit that grew the log, with the last position. */
  onAppended: (position: number) => void;
}): Promise<Known> {
  const { database, logger } = options;
  const stored = await storedSnapshot(database, logger);
  const endpoints = new Map(stored.endpoints);
  let { takenAt } = stored;
  let registered: Registered | undefined;

  const remember = (sensed: readonly EndpointHealth[]) => {
    for (const health of sensed) {
      const key = endpointKey(health);
      const known = endpoints.get(key);
      endpoints.set(key, known === undefined ? health : latestOf(known, health, new Date()));
    }
  };
  const forgetOthers = ({ endpoints: others, asOf }: Registered) => {
    const keys = new Set(others.map(endpointKey));
    const now = new Date();
    const seenSince = ({ takenAt: at }: EndpointHealth) => at > asOf.toISOString() && !isAhead(at, now);
    for (const [key, health] of endpoints) if (!keys.has(key) && !seenSince(health)) endpoints.delete(key);
  };

  return {
    snapshot: () => ({ endpoints, takenAt }),
    of: (endpoint) => endpoints.get(endpointKey(endpoint)),
    keep: async (sensed, listed) => {
      remember(sensed);
      const told = listed?.assumed === true ? undefined : listed;
      if (told !== undefined) forgetOthers(told);
      registered = listed ?? registered;
      takenAt = oldest(registered, endpoints) ?? takenAt;
      try {
        const keys = told && { keys: told.endpoints.map(endpointKey), asOf: told.asOf };
        const result = await storeSensed(database, { endpoints: sensed, registered: keys, takenAt }, options.rules);
        const { endpoints: now, changes, conditions, position } = result;
        // Another replica may have seen one later.
        remember([...now.values()].filter((health) => health !== undefined));
        if (position !== undefined) options.onAppended(position);
        for (const { key, to } of changes) {
          const state = to === undefined ? 'removed' : stateOf(to);
          logger.info({ endpoint: key, state, problem: to?.problem }, "an endpoint's health changed");
        }
        for (const { key, from, to } of conditions) logger.info({ endpoint: key, from, to }, "an endpoint's condition changed");
      } catch (error) {
        logger.warn({ error: describeError(error) }, 'what was sensed of the fleet could not be stored');
      }
    },
  };
}

/** Undefined until it was found out which endpoints there are, and while one of them was never asked, or nobody knows when. */
function oldest(registered: Registered | undefined, known: ReadonlyMap<string, EndpointHealth>): Date | undefined {
  if (registered === undefined) return undefined;
  let first = registered.asOf.toISOString();
  for (const endpoint of registered.endpoints) {
    const health = known.get(endpointKey(endpoint));
    if (health === undefined || isAhead(health.takenAt, new Date())) return undefined;
    if (health.takenAt < first) first = health.takenAt;
  }
  return new Date(first);
}

async function storedSnapshot(database: Database, logger: Logger): Promise<Snapshot> {
  try {
    return await readSnapshot(database);
  } catch (error) {
    // The schema may not be migrated yet; readiness tells.
    logger.warn({ error: describeError(error) }, 'no stored snapshot of the fleet can be read');
    return { endpoints: new Map(), takenAt: undefined };
  }
}
