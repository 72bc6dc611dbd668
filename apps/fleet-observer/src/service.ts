import { fleetV1, placementV1 } from '@fairlead/contracts';
import { pokeLog } from '@fairlead/event-log';
import { createOutbound } from '@fairlead/outbound';
import { watchPlacement } from '@fairlead/placement-map';
import { defineRpcs } from '@fairlead/rpc';
import { openResources, startService, type RunningService } from '@fairlead/service-runtime';
import type { Logger } from '@fairlead/telemetry';
import type { FleetObserverConfig } from './config.js';
import { consumePlacementChanges } from './consumers/placement-changes.js';
import { checkShard } from './grpc/check-shard.js';
import { getAppliedConfig } from './grpc/get-applied-config.js';
import { getAppliedPlacement } from './grpc/get-applied-placement.js';
import { getClusterHealth } from './grpc/get-cluster-health.js';
import { getClusterStats } from './grpc/get-cluster-stats.js';
import { getEndpointHistory } from './grpc/get-endpoint-history.js';
import { getSnapshot } from './grpc/get-snapshot.js';
import { resolveRoutes } from './grpc/resolve-routes.js';
import { clusterStats } from './sensing/cluster-stats.js';
import { createEndpointSource } from './sensing/endpoints.js';
import { keptFor } from './sensing/kept.js';
import { probeEndpoint } from './sensing/probe.js';
import { registeredShards } from './sensing/registered-shards.js';
import { serviceReadiness } from './sensing/service-readiness.js';
import { anywhere, metricsSource } from './sensing/victoria-metrics.js';
import { migrations } from './store/migrations.js';
import { observeFleet } from './tasks/observe-fleet.js';

/** What a test or a composed process may put in place of the service's own. */
export interface FleetObserverOverrides {
  logger?: Logger;
}

/** What is told of the whole cluster is so old at most, however many ask. */
const clusterKeptMs = 5_000;

/** Starts the fleet observer: it senses the managed services and commands none. */
export async function createService(config: FleetObserverConfig, overrides: FleetObserverOverrides = {}): Promise<RunningService> {
  const outbound = createOutbound({ allowedCidrs: config.FLEET_ALLOWED_CIDRS });
  // To addresses of settings, not of data.
  const own = createOutbound({ policy: anywhere });
  const resources = await openResources({ name: 'fleet-observer', config, migrations, logger: overrides.logger });
  const { database, messaging, logger, registry } = resources;
  const placement = resources.client(placementV1.PlacementServiceService, config.PLACEMENT_GRPC);
  const source = createEndpointSource({ watched: () => watch.current(), newest: () => observation.newest(), placement });
  const observation = await observeFleet({
    database,
    source,
    logger,
    registry,
    probe: (endpoint, request) => probeEndpoint({ outbound, timeoutMs: config.FLEET_PROBE_TIMEOUT_MS }, endpoint, request),
    intervalMs: config.FLEET_INTERVAL_MS,
    metricsIntervalMs: config.FLEET_METRICS_INTERVAL_MS,
    concurrency: config.FLEET_PROBE_CONCURRENCY,
    rules: {
      stability: {
        changes: config.FLEET_FLAPPING_CHANGES,
        halfLifeMs: config.FLEET_FLAPPING_HALF_LIFE_MS,
        restarts: config.FLEET_CRASH_LOOP_RESTARTS,
        restartWindowMs: config.FLEET_CRASH_LOOP_WINDOW_MS,
      },
      history: { perEndpoint: config.FLEET_HISTORY_PER_ENDPOINT, days: config.FLEET_HISTORY_DAYS },
    },
    onAppended: (position) => {
      pokeLog(messaging, position);
    },
  });
  // Woken by KV as well as by events: an event may come before KV shows what changed.
  const watch = watchPlacement({ messaging, logger, onSnapshot: observation.wake });
  const consumer = consumePlacementChanges(messaging, observation.wake);
  const metrics = metricsSource({ url: config.VICTORIA_METRICS_URL, token: config.VICTORIA_METRICS_TOKEN, outbound: own });
  const asking = { settleMs: config.VICTORIA_METRICS_SETTLE_MS, timeoutMs: config.VICTORIA_METRICS_TIMEOUT_MS };
  observation.start();
  const service = await startService({
    resources,
    config,
    rpcs: [
      defineRpcs(fleetV1.FleetObserverServiceService, {
        getSnapshot: getSnapshot(observation),
        checkShard: checkShard(observation),
        getClusterHealth: getClusterHealth({
          observation,
          services: keptFor(clusterKeptMs, () => serviceReadiness(own, config.CONTROL_PLANE_URLS ?? [])),
          registered: keptFor(clusterKeptMs, () => registeredShards(placement, logger)),
          oldAfterMs: 3 * config.FLEET_INTERVAL_MS,
        }),
        getClusterStats: getClusterStats({ url: metrics.url, stats: keptFor(clusterKeptMs, () => clusterStats(metrics, asking)) }),
        getEndpointHistory: getEndpointHistory(database),
        getAppliedPlacement: getAppliedPlacement({ source, outbound }),
        getAppliedConfig: getAppliedConfig({ source, outbound }),
        resolveRoutes: resolveRoutes({ source, outbound }),
      }),
    ],
    onDrain: [() => consumer.stop(), () => watch.stop(), () => observation.stop()],
  });
  return {
    ...service,
    stop: async () => {
      await service.stop();
      // Last: a call in flight must not take our own end for that of a gateway.
      await outbound.close();
      await own.close();
    },
  };
}
