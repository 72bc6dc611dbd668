import { z } from 'zod';
import { field } from '@fairlead/config';
import { defaultAllowedCidrs, isCidrList, isHostList } from '@fairlead/outbound';
import { baseConfig, databaseConfig, grpcConfig, natsConfig } from '@fairlead/service-runtime';
import { defaultAllowedHosts } from './tenants/endpoint-policy.js';

/** Settings of the placement service, as environment variables. */
export const configSchema = z.object({
  ...baseConfig,
  ...grpcConfig,
  ...databaseConfig,
  ...natsConfig,
  /** Where published placement is also written, as placement/dev.json and routing/dev.json. */
  PLACEMENT_FILES_DIR: field.text().optional(),
  /** For development: configuration documents, as <domain>/<name>.json or .yaml, put in force when they change. */
  CONFIG_FILES_DIR: field.text().optional(),
  /** How often what KV holds is compared with the database, value by value. */
  PLACEMENT_SWEEP_SECONDS: field.integer({ min: 10, max: 86_400 }).default(300),
  /** Where endpoints of managed services may be: networks, comma-separated. */
  FLEET_ALLOWED_CIDRS: z
    .string()
    .refine(isCidrList, 'not a comma-separated list of networks such as 10.0.0.0/8')
    .default(defaultAllowedCidrs),
  /** Host names that endpoints may have: `name` or `*.suffix`, comma-separated. */
  FLEET_ALLOWED_HOSTS: z
    .string()
    .refine(isHostList, 'not a comma-separated list of host names such as localhost or *.internal')
    .default(defaultAllowedHosts),
});

export type Config = z.output<typeof configSchema>;
