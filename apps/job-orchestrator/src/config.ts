import { z } from 'zod';
import { field } from '@fairlead/config';
import { baseConfig, databaseConfig, grpcConfig, natsConfig } from '@fairlead/service-runtime';
import { jobKindNames } from './jobs/names.js';

export const configSchema = z.object({
  ...baseConfig,
  ...grpcConfig,
  ...databaseConfig,
  DATABASE_POOL_SIZE: field.integer({ min: 2, max: 200 }).default(20),
  ...natsConfig,
  PLACEMENT_GRPC: field.address(),
  PROVISIONER_GRPC: field.address(),
  FLEET_OBSERVER_GRPC: field.address(),
  /** After this long without a renewal another replica takes a job over. */
  JOB_LEASE_MS: field.durationMs(60_000).default(5_000),
  JOB_POLL_MS: field.durationMs(60_000).default(500),
  JOB_MAX_CONCURRENT: field.integer({ min: 1, max: 1_000 }).default(50),
  /** How long a job that has ended stays among those that run. */
  JOB_ARCHIVE_AFTER_MS: field.durationMs(365 * 24 * 60 * 60_000).default(60 * 60_000),
  /** How long an archived job is kept; its events stay in the log. */
  JOB_KEEP_ARCHIVED_MS: field.durationMs(10 * 365 * 24 * 60 * 60_000).default(400 * 24 * 60 * 60_000),
  /** Kinds of jobs whose plans need a second person, by name. */
  JOB_APPROVAL_KINDS: field
    .names()
    .default([])
    .refine(
      (names) => names.every((name) => jobKindNames.includes(name)),
      `there is no such kind of job; known are ${jobKindNames.join(', ')}`,
    ),
  PLAN_TTL_MS: field.durationMs().default(15 * 60_000),
  /** Checks of the tenant jobs: more than this blocks. */
  MIGRATE_MAX_LAG: field.integer({ min: 0, max: 1_000_000 }).default(100),
  MIGRATE_MAX_INFLIGHT: field.integer({ min: 0, max: 1_000_000 }).default(200),
  DRAIN_TIMEOUT_MS: field.durationMs().default(120_000),
  /** How long sealing a tenant at its origin and copying it to the target may fail before the move is given up. */
  MIGRATE_HANDOVER_TIMEOUT_MS: field.integer({ min: 1_000, max: 3_600_000 }).default(60_000),
  /** How long each step after the placement update may fail before a person is asked for. */
  MIGRATE_FORWARD_TIMEOUT_MS: field.integer({ min: 1_000, max: 86_400_000 }).default(10 * 60_000),
  /** How long each undo of a tenant job may fail before a person is asked for. */
  MIGRATE_UNDO_TIMEOUT_MS: field.integer({ min: 1_000, max: 86_400_000 }).default(10 * 60_000),
  /** Tenants that one replica moves, and so pauses, at once; more wait their turn while they are served. */
  MIGRATE_MAX_PAUSED: field.integer({ min: 1, max: 1_000 }).default(1),
});
export type Config = z.output<typeof configSchema>;
