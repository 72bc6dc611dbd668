import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { field } from '@fairlead/config';
import { baseConfig, databaseConfig, natsConfig } from '@fairlead/service-runtime';

export const configSchema = z.object({
  ...baseConfig,
  ...databaseConfig,
  ...natsConfig,
  PLACEMENT_GRPC: field.address(),
  FLEET_OBSERVER_GRPC: field.address(),
  JOB_ORCHESTRATOR_GRPC: field.address(),
  AUDIT_GRPC: field.address(),
  /** Where the first admin's login is written; without it none is made. */
  FIRST_ADMIN_FILE: field.text().optional(),
  FIRST_ADMIN_EMAIL: z
    .email('not an e-mail address')
    .transform((email) => email.toLowerCase())
    .default('admin@fairlead.local'),
  ACCESS_TOKEN_TTL_SECONDS: field.integer({ min: 10, max: 86_400 }).default(300),
  /** Where users reach the API and the UI, when that is not this very address: behind a proxy that speaks TLS. */
  PUBLIC_URL: field.url('http', 'https').optional(),
  /** The built admin UI. */
  ADMIN_UI_DIR: field.text().default(fileURLToPath(new URL('../../admin-ui/dist', import.meta.url))),
});

export type Config = z.output<typeof configSchema>;
