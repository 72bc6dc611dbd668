import { z } from 'zod';
import { field } from '@fairlead/config';
import { defaultAllowedCidrs, isCidrList } from '@fairlead/outbound';
import { baseConfig, databaseConfig, grpcConfig, natsConfig } from '@fairlead/service-runtime';

export const configSchema = z.object({
  ...baseConfig,
  ...grpcConfig,
  ...databaseConfig,
  ...natsConfig,
  PLACEMENT_GRPC: field.address(),
  /** Where managed services may be. */
  FLEET_ALLOWED_CIDRS: field.text().refine(isCidrList, 'not a comma-separated list of CIDR blocks').default(defaultAllowedCidrs),
  /** How often every endpoint's health and readiness are asked. */
  FLEET_INTERVAL_MS: field.durationMs(3_600_000).default(10_000),
  /** How often every endpoint's metrics are read, as a multiple of the former. */
  FLEET_METRICS_INTERVAL_MS: field.durationMs(3_600_000).default(30_000),
  FLEET_PROBE_TIMEOUT_MS: field.durationMs(60_000).default(2_000),
  /** Endpoints that are probed at the same time. */
  FLEET_PROBE_CONCURRENCY: field.integer({ min: 1, max: 1_000 }).default(256),
  /** So many changes of state in a short time are flapping, and half of them are forgotten after so long. */
  FLEET_FLAPPING_CHANGES: field.integer({ min: 3, max: 1_000 }).default(6),
  FLEET_FLAPPING_HALF_LIFE_MS: field.durationMs(3_600_000).default(120_000),
  /** So many restarts within so long are a crash loop. */
  FLEET_CRASH_LOOP_RESTARTS: field.integer({ min: 2, max: 20 }).default(3),
  FLEET_CRASH_LOOP_WINDOW_MS: field.durationMs(86_400_000).default(600_000),
  /** How much of what happened to an endpoint is kept. */
  FLEET_HISTORY_PER_ENDPOINT: field.integer({ min: 1, max: 10_000 }).default(200),
  FLEET_HISTORY_DAYS: field.integer({ min: 1, max: 3_650 }).default(30),
});

export type FleetObserverConfig = z.output<typeof configSchema>;
