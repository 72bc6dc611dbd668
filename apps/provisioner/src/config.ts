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
  /** What managed services accept commands with. */
  FLEET_TOKEN: field.text(),
  /** Where managed services may be. */
  FLEET_ALLOWED_CIDRS: field.text().refine(isCidrList, 'not a comma-separated list of CIDR blocks').default(defaultAllowedCidrs),
  FLEET_CALL_TIMEOUT_MS: field.durationMs(60_000).default(5_000),
  /** For an export or import, which carries a tenant's state. */
  FLEET_TRANSFER_TIMEOUT_MS: field.durationMs(600_000).default(30_000),
  FLEET_MAX_TENANT_BYTES: field.integer({ min: 1_024, max: 268_435_456 }).default(67_108_864),
});

export type ProvisionerConfig = z.output<typeof configSchema>;
