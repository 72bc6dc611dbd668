import { migrations as gatewayMigrations } from '@fairlead/api-gateway';
import { migrations as auditMigrations } from '@fairlead/audit';
import type { ControlPlaneService } from '@fairlead/contracts';
import { migrations as observerMigrations } from '@fairlead/fleet-observer';
import { migrations as orchestratorMigrations } from '@fairlead/job-orchestrator';
import { migrations as placementMigrations } from '@fairlead/placement';
import { migrations as provisionerMigrations } from '@fairlead/provisioner';
import type { MigrationClass } from '@fairlead/postgres';

/** What makes each service's tables. */
export const migrationsOf: Record<ControlPlaneService, readonly MigrationClass[]> = {
  placement: placementMigrations,
  provisioner: provisionerMigrations,
  'fleet-observer': observerMigrations,
  audit: auditMigrations,
  'job-orchestrator': orchestratorMigrations,
  'api-gateway': gatewayMigrations,
};
