import { Gauge, Histogram } from 'prom-client';
import { describeError, FairleadError } from '@fairlead/contracts';
import type { Database } from '@fairlead/postgres';
import { currentContext, newContext, runInContext, type Logger, type Registry } from '@fairlead/telemetry';
import { endpointKey, stateOf, type Endpoint, type EndpointHealth, type EndpointState } from '../domain/health.js';
import { mapBounded } from '../sensing/bounded.js';
import type { EndpointSource } from '../sensing/endpoints.js';
import { readSnapshot, storeSensed, type Sensed, type Snapshot } from '../store/snapshot.js';
import { createRounds } from './rounds.js';

/** Keeps the fleet's snapshot. */
export interface FleetObservation {
  /**
   * The snapshot; taken anew when it is older than `maxAgeMs`, and whatever the last round brought for 0. Calls at the
   * same moment share one round.
   */
  snapshot(maxAgeMs: number): Promise<Snapshot>;
  /** Probes a shard's endpoints now. Throws `shard_not_found`. */
  checkShard(kind: string, shardId: string): Promise<readonly EndpointHealth[]>;
  /** Something has changed: a round is taken soon, without waiting for the interval. */
  wake: () => void;
  /** Takes rounds from now on. */
  start: () => void;
  stop: () => Promise<void>;
}

export interface FleetObservationOptions {
  database: Database;
  source: EndpointSource;
  probe: (endpoint: Endpoint) => Promise<EndpointHealth>;
  intervalMs: number;
  /** Endpoints that are probed at the same time. */
  concurrency: number;
  /** Called after each commit that grew the log, with the last position. */
  onAppended: (position: number) => void;
  logger: Logger;
  registry: Registry;
}

/** What this service senses, it senses as itself, whoever wanted to know. */
const principal = 'service:fleet-observer';

/** Reads the stored snapshot; rounds are taken once started, when woken, and when an older snapshot would not do. */
export async function observeFleet(options: FleetObservationOptions): Promise<FleetObservation> {
  const { database, source, logger } = options;
  const metrics = createProbeMetrics(options.registry);
  let snapshot = await storedSnapshot(database, logger);

  const probeAll = (endpoints: readonly Endpoint[]) =>
    mapBounded(endpoints, options.concurrency, async (endpoint) => {
      const stopTimer = metrics.duration.startTimer({ kind: endpoint.kind });
      const health = await options.probe(endpoint);
      stopTimer();
      return health;
    });

  const keep = async (sensed: Sensed) => {
    try {
      const stored = await storeSensed(database, sensed);
      snapshot = stored.snapshot;
      if (stored.position !== undefined) options.onAppended(stored.position);
      for (const { key, to } of stored.changes) {
        logger.info(
          { endpoint: key, state: to === undefined ? 'removed' : stateOf(to), problem: to?.problem },
          "an endpoint's health changed",
        );
      }
    } catch (error) {
      // What was sensed is served all the same; its changes are told when they can be stored.
      logger.warn({ error: describeError(error) }, 'the snapshot of the fleet could not be stored');
      snapshot = unstored(snapshot, sensed);
    }
    metrics.showStates(snapshot);
  };

  /** The registered endpoints; while nobody can tell, those last seen. */
  const endpointsToProbe = async () => {
    try {
      return await source.all();
    } catch (error) {
      if (snapshot.endpoints.size === 0) throw error;
      logger.warn({ error: describeError(error) }, 'the registered endpoints are not known at the moment; those last seen are probed');
      return [...snapshot.endpoints.values()];
    }
  };

  const takeRound = () =>
    asOurselves(async () => {
      const roundTakenAt = new Date();
      await keep({ endpoints: await probeAll(await endpointsToProbe()), roundTakenAt });
    });

  const rounds = createRounds({ take: takeRound, intervalMs: options.intervalMs, logger });
  return {
    snapshot: async (maxAgeMs) => {
      const notBeforeMs = maxAgeMs > 0 ? Date.now() - maxAgeMs : 0;
      // A round under way may have begun too long ago: then one more is taken.
      for (let taken = 0; taken < 2 && isOlder(snapshot, notBeforeMs); taken++) await rounds.take();
      return snapshot;
    },
    checkShard: (kind, shardId) =>
      asOurselves(async () => {
        const endpoints = await source.ofShard(kind, shardId);
        if (endpoints.length === 0) throw new FairleadError('shard_not_found', `there is no ${kind} shard ${shardId} with an endpoint`);
        const healths = await probeAll(endpoints);
        await keep({ endpoints: healths });
        return healths;
      }),
    wake: rounds.wake,
    start: rounds.start,
    stop: rounds.stop,
  };
}

function asOurselves<T>(work: () => Promise<T>): Promise<T> {
  return runInContext(newContext({ ...currentContext(), principal, via: undefined }), work);
}

function isOlder({ takenAt }: Snapshot, notBeforeMs: number): boolean {
  return takenAt === undefined || takenAt.getTime() < notBeforeMs;
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

function unstored(snapshot: Snapshot, { endpoints, roundTakenAt }: Sensed): Snapshot {
  const sensed = endpoints.map((health) => [endpointKey(health), health] as const);
  if (roundTakenAt === undefined) return { ...snapshot, endpoints: new Map([...snapshot.endpoints, ...sensed]) };
  return { endpoints: new Map(sensed), takenAt: roundTakenAt };
}

function createProbeMetrics(registry: Registry) {
  const registers = [registry];
  const states = new Gauge({
    name: 'fairlead_fleet_endpoints',
    help: 'Endpoints of managed services, by kind and state.',
    labelNames: ['kind', 'state'],
    registers,
  });
  const duration = new Histogram({
    name: 'fairlead_fleet_probe_duration_seconds',
    help: 'How long it took to probe an endpoint, by kind.',
    labelNames: ['kind'],
    buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5],
    registers,
  });
  const all: readonly EndpointState[] = ['ready', 'not_ready', 'unhealthy', 'unreachable'];
  const showStates = (snapshot: Snapshot) => {
    states.reset();
    for (const kind of new Set([...snapshot.endpoints.values()].map((health) => health.kind)))
      for (const state of all) states.set({ kind, state }, 0);
    for (const health of snapshot.endpoints.values()) states.inc({ kind: health.kind, state: stateOf(health) });
  };
  return { duration, showStates };
}
