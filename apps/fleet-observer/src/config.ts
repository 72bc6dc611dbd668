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
});

export type FleetObserverConfig = z.output<typeof configSchema>;
