import { Gauge, Histogram } from 'prom-client';
import { describeError, FairleadError } from '@fairlead/contracts';
import type { PlacementVersion } from '@fairlead/placement-map';
import type { Database } from '@fairlead/postgres';
import { currentContext, newContext, runInContext, type Logger, type Registry } from '@fairlead/telemetry';
import { endpointKey, endpointStates, isAhead, stateOf, type Endpoint, type EndpointHealth } from '../domain/health.js';
import { mapBounded } from '../sensing/bounded.js';
import type { EndpointSource } from '../sensing/endpoints.js';
import type { ProbeRequest } from '../sensing/probe.js';
import type { KeepingRules, Snapshot } from '../store/snapshot.js';
import { createKnown, type Registered } from './known.js';
import { createTicks } from './ticks.js';
import { createTimedProbes } from './timed-probes.js';

/** Keeps the fleet's snapshot. */
export interface FleetObservation {
  /**
   * The snapshot; all of it is taken anew when something in it is older than `maxAgeMs`, and it is whatever is known for 0. Calls at
   * the same moment share one round.
   */
  snapshot(maxAgeMs: number): Promise<Snapshot>;
  /** Probes a shard's endpoints now. Throws `shard_not_found`. */
  checkShard(kind: string, shardId: string): Promise<readonly EndpointHealth[]>;
  /** The newest version of placement that any replica is known to have gone by; undefined when none is known. */
  newest: () => PlacementVersion | undefined;
  /** Something has changed: which endpoints there are is looked up soon, and those that are new are probed. */
  wake: () => void;
  /** Probes each endpoint in its turn from now on. */
  start: () => void;
  stop: () => Promise<void>;
}

export interface FleetObservationOptions {
  database: Database;
  source: EndpointSource;
  probe: (endpoint: Endpoint, request: ProbeRequest) => Promise<EndpointHealth>;
  /** How often every endpoint's health and readiness are asked. */
  intervalMs: number;
  /** How often every endpoint's metrics are read: in a turn of its health. */
  metricsIntervalMs: number;
  /** Endpoints that are probed at the same time. */
  concurrency: number;
  rules: KeepingRules;
  /** Called after each commit that grew the log, with the last position. */
  onAppended: (position: number) => void;
  logger: Logger;
  registry: Registry;
}

/** What this service senses, it senses as itself, whoever wanted to know. */
const principal = 'service:fleet-observer';

/** Ticks are short beside the interval, so that turns are spread, and never so short that storing what was sensed costs more than sensing. */
const longestTickMs = 500;
const ticksPerInterval = 20;

/** While nobody can tell which endpoints there are, that is asked again after this long. */
const askAgainMs = 5_000;

/** Reads the stored snapshot; endpoints are probed once started, and when an older snapshot would not do. */
export async function observeFleet(options: FleetObservationOptions): Promise<FleetObservation> {
  const { database, source, logger, intervalMs } = options;
  const known = await createKnown({ database, logger, rules: options.rules, onAppended: options.onAppended });
  const metrics = createProbeMetrics(options.registry, known.snapshot, () => timed.waiting());
  let registered: Registered | undefined;
  let listAtMs = 0;
  let sensed: EndpointHealth[] = [];

  const probe = async (endpoint: Endpoint, what: { metrics: boolean }) => {
    const stopTimer = metrics.duration.startTimer({ kind: endpoint.kind });
    const health = await options.probe(endpoint, { ...what, before: known.of(endpoint) });
    stopTimer();
    return health;
  };
  const probeAll = (endpoints: readonly Endpoint[]) =>
    mapBounded(endpoints, options.concurrency, (endpoint) => probe(endpoint, { metrics: true }));
  const timed = createTimedProbes({
    turns: { intervalMs, metricsEvery: Math.max(1, Math.round(options.metricsIntervalMs / intervalMs)) },
    concurrency: options.concurrency,
    probe: async (endpoint, what) => {
      const health = await probe(endpoint, what);
      sensed.push(health);
    },
    now: () => performance.now(),
  });

  /** Looks up which endpoints are registered; while nobody can tell, they are those last seen. */
  const list = async (): Promise<Registered> => {
    const asOf = new Date();
    listAtMs = performance.now() + Math.min(intervalMs, askAgainMs);
    try {
      registered = { ...(await source.all()), asOf };
    } catch (error) {
      const seen = [...known.snapshot().endpoints.values()];
      if (seen.length === 0) throw error;
      logger.warn({ error: describeError(error) }, 'the registered endpoints are not known at the moment; those last seen are probed');
      registered = { endpoints: seen, asOf, version: registered?.version, assumed: true };
    }
    return registered;
  };

  /** Keeps what timed probes have brought since the last time. */
  const flush = async (listed?: Registered) => {
    const batch = sensed;
    sensed = [];
    // A probe may end when its endpoint is no longer registered.
    const keys = new Set(registered?.endpoints.map(endpointKey));
    const kept = batch.filter((health) => keys.has(endpointKey(health)));
    if (kept.length > 0 || listed !== undefined) await known.keep(kept, registered?.version, listed);
  };

  const ticks = createTicks({
    everyMs: Math.min(longestTickMs, intervalMs / ticksPerInterval),
    logger,
    tick: () =>
      asOurselves(async () => {
        const listed = performance.now() >= listAtMs ? await list() : undefined;
        if (registered !== undefined) timed.take(registered.endpoints);
        await flush(listed);
      }),
  });

  let round: Promise<void> | undefined;
  const takeRound = () =>
    (round ??= asOurselves(async () => {
      const listed = await list();
      timed.had(listed.endpoints);
      await known.keep(await probeAll(listed.endpoints), listed.version, listed);
    }).finally(() => (round = undefined)));

  return {
    snapshot: async (maxAgeMs) => {
      const notBeforeMs = maxAgeMs > 0 ? Date.now() - maxAgeMs : 0;
      // A round under way may have begun too long ago: then one more is taken.
      for (let taken = 0; taken < 2 && isOlder(known.snapshot(), notBeforeMs); taken++) await takeRound();
      return known.snapshot();
    },
    checkShard: (kind, shardId) =>
      asOurselves(async () => {
        const { endpoints, version } = await source.ofShard(kind, shardId);
        if (endpoints.length === 0) throw new FairleadError('shard_not_found', `there is no ${kind} shard ${shardId} with an endpoint`);
        const healths = await probeAll(endpoints);
        await known.keep(healths, version);
        return healths;
      }),
    newest: known.newest,
    wake: () => {
      listAtMs = 0;
    },
    start: ticks.start,
    stop: async () => {
      await ticks.stop();
      await timed.stop();
      await asOurselves(flush);
    },
  };
}

function asOurselves<T>(work: () => Promise<T>): Promise<T> {
  return runInContext(newContext({ ...currentContext(), principal, via: undefined }), work);
}

function isOlder({ takenAt }: Snapshot, notBeforeMs: number): boolean {
  return takenAt === undefined || takenAt.getTime() < notBeforeMs || (notBeforeMs > 0 && isAhead(takenAt.toISOString(), new Date()));
}

function createProbeMetrics(registry: Registry, snapshot: () => Snapshot, waiting: () => number) {
  const registers = [registry];
  new Gauge({
    name: 'fairlead_fleet_endpoints',
    help: 'Endpoints of managed services, by kind and state.',
    labelNames: ['kind', 'state'],
    registers,
    collect() {
      this.reset();
      const all = [...snapshot().endpoints.values()];
      for (const kind of new Set(all.map((health) => health.kind))) {
        const states = all.filter((health) => health.kind === kind).map(stateOf);
        for (const state of endpointStates) this.set({ kind, state }, states.filter((one) => one === state).length);
      }
    },
  });
  new Gauge({
    name: 'fairlead_fleet_snapshot_age_seconds',
    help: "How old the oldest endpoint's health is.",
    registers,
    collect() {
      const { takenAt } = snapshot();
      if (takenAt !== undefined) this.set(Math.max(0, Date.now() - takenAt.getTime()) / 1_000);
    },
  });
  new Gauge({
    name: 'fairlead_fleet_probes_waiting',
    help: 'Endpoints whose turn has come and for whom there is no room yet.',
    registers,
    collect() {
      this.set(waiting());
    },
  });
  const duration = new Histogram({
    name: 'fairlead_fleet_probe_duration_seconds',
    help: 'How long it took to probe an endpoint, by kind.',
    labelNames: ['kind'],
    buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5],
    registers,
  });
  return { duration };
}
