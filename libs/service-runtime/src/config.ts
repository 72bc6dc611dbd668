import { z } from 'zod';
import { field, tracingConfig } from '@fairlead/config';
import { tlsConfig } from '@fairlead/tls';

/** Settings that every service has. */
export const baseConfig = {
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error'], 'not a log level').default('info'),
  HTTP_HOST: field.text().default('127.0.0.1'),
  HTTP_PORT: field.port(),
  TRUST_JWKS: field.text(),
  SERVICE_KEY: field.text(),
  /** Where the gateway tells the keys that users' tokens are signed with, besides those of TRUST_JWKS: its /.well-known/jwks.json. */
  USER_JWKS_URL: field.url('http', 'https').optional(),
  FAIRLEAD_VERSION: field.text().default('0.1.0'),
  FAIRLEAD_GIT_SHA: field.text().default('unknown'),
  ...tracingConfig,
  ...tlsConfig,
};

/** Settings of a service that answers gRPC. */
export const grpcConfig = {
  GRPC_HOST: field.text().default('127.0.0.1'),
  GRPC_PORT: field.port(),
};

/** Settings of a service with a database of its own. */
export const databaseConfig = {
  DATABASE_URL: field.url('postgres', 'postgresql'),
  DATABASE_PASSWORD: field.text(),
  DATABASE_POOL_SIZE: field.integer({ min: 1, max: 200 }).default(10),
  /** How far the audit chain may be behind the log: in events, and by the age of the oldest one that is not in it. Changes are refused beyond. */
  AUDIT_CHAIN_LAG_LIMIT_EVENTS: field.integer({ min: 1, max: 1_000_000_000 }).default(100_000),
  AUDIT_CHAIN_LAG_LIMIT_MS: field.durationMs().default(300_000),
};

/** Settings of a service that uses NATS. */
export const natsConfig = {
  NATS_URL: field.url('nats', 'tls'),
  /** Whose password NATS_TOKEN is; without it the token alone is presented. */
  NATS_USER: field.text().optional(),
  NATS_TOKEN: field.text().optional(),
  NATS_NAMESPACE: z
    .string()
    .regex(/^[a-z0-9_-]{0,32}$/, 'up to 32 lower-case letters, digits, _ or -')
    .default(''),
  /** On how many servers of a NATS cluster each stream and bucket is kept. */
  NATS_REPLICAS: field.integer({ min: 1, max: 5 }).optional(),
};

/** What all six services have in common. */
export const serviceConfig = z.object({ ...baseConfig, ...databaseConfig, ...natsConfig });
export type ServiceConfig = z.output<typeof serviceConfig>;
