import { describeError } from '@fairlead/contracts';
import { compareVersions, type PlacementVersion } from '@fairlead/placement-map';
import type { Database } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { endpointKey, isAhead, latestOf, stateOf, type Endpoint, type EndpointHealth } from '../domain/health.js';
import {
  isNewest,
  isStillThere,
  readSnapshot,
  storeSensed,
  type KeepingRules,
  type Snapshot,
  type StoredSnapshot,
} from '../store/snapshot.js';

/** Which endpoints there are, and when that was found out. */
export interface Registered {
  readonly endpoints: readonly Endpoint[];
  readonly asOf: Date;
  /** The version of placement that tells so; while nobody can tell, that of the last time, and undefined when there was none. */
  readonly version: PlacementVersion | undefined;
  /** True while nobody can tell and they are those last seen: others may have come since, so that none is gone for not being among them. */
  readonly assumed?: boolean;
}

/** What is known of the fleet: in memory for whoever asks, in the database for the next start and for comparing. */
export interface Known {
  snapshot: () => Snapshot;
  /** The newest version of placement that any replica is known to have gone by. */
  newest: () => PlacementVersion | undefined;
  /** What is known of one endpoint. */
  of(endpoint: Endpoint): EndpointHealth | undefined;
  /**
   * Keeps what was sensed of endpoints that a version of placement tells of, newer over older; with `registered`, all others that were not
   * seen since are gone. When another replica went by a newer version, none is gone and none comes. What can't be stored is served all the
   * same, and its changes are told when they can be stored.
   */
  keep(sensed: readonly EndpointHealth[], version: PlacementVersion | undefined, registered?: Registered): Promise<void>;
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
  let { takenAt, newest } = stored;
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
    newest: () => newest,
    of: (endpoint) => endpoints.get(endpointKey(endpoint)),
    keep: async (sensed, version, listed) => {
      const counts = isNewest(version, newest);
      newest = latest(newest, version);
      remember(counts ? sensed : sensed.filter((health) => isStillThere(health, endpoints.get(endpointKey(health)))));
      const told = listed?.assumed === true || !counts ? undefined : listed;
      if (told !== undefined) forgetOthers(told);
      registered = listed ?? registered;
      takenAt = oldest(registered, endpoints) ?? takenAt;
      try {
        const keys = told && { keys: told.endpoints.map(endpointKey), asOf: told.asOf };
        const result = await storeSensed(database, { endpoints: sensed, version, registered: keys, takenAt }, options.rules);
        const { endpoints: now, changes, conditions, position } = result;
        newest = latest(newest, result.newest);
        // Another replica may have seen one later, or know by a newer placement that it is gone.
        remember([...now.values()].filter((health) => health !== undefined));
        for (const key of sensed.map(endpointKey)) if (now.get(key) === undefined) endpoints.delete(key);
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

function latest(one: PlacementVersion | undefined, other: PlacementVersion | undefined): PlacementVersion | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return compareVersions(one, other) < 0 ? other : one;
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

async function storedSnapshot(database: Database, logger: Logger): Promise<StoredSnapshot> {
  try {
    return await readSnapshot(database);
  } catch (error) {
    // The schema may not be migrated yet; readiness tells.
    logger.warn({ error: describeError(error) }, 'no stored snapshot of the fleet can be read');
    return { endpoints: new Map(), takenAt: undefined, newest: undefined };
  }
}
