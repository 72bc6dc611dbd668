import { Module, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { AccessController } from './access.js';
import { ApiDocumentController } from './api-document.js';
import { ApiTokensController } from './api-tokens.js';
import { AuditChainController } from './audit-chain.js';
import { AuditExportController } from './audit-export.js';
import { AuditSegmentsController } from './audit-segments.js';
import { AuditVerifyController } from './audit-verify.js';
import { AuditController } from './audit.js';
import { AuthController } from './auth.js';
import { ChangesController } from './changes.js';
import { ClusterController } from './cluster.js';
import { ConfigValidateController } from './config-validate.js';
import { ConfigController } from './config.js';
import { DataController } from './data.js';
import { DeadLettersController } from './dead-letters.js';
import { DefinitionContentsController, DefinitionsController } from './definitions.js';
import { FleetEventsController } from './fleet-events.js';
import { FleetHistoryController } from './fleet-history.js';
import { FleetController } from './fleet.js';
import { JobEventsController } from './job-events.js';
import { DrainsController } from './drains.js';
import { JobsController } from './jobs.js';
import { JwksController } from './jwks.js';
import { LocksController } from './locks.js';
import { LogAggregatesController } from './log-aggregates.js';
import { LogEventsController } from './log-events.js';
import { LogStatsController } from './log-stats.js';
import { LogVerifyController } from './log-verify.js';
import { OidcController } from './oidc.js';
import { OrgsController } from './orgs.js';
import { PlacementController } from './placement.js';
import { PlansController } from './plans.js';
import { ProjectKeysController } from './project-keys.js';
import { ProjectionsController } from './projections.js';
import { ProjectsController } from './projects.js';
import { ReplicasController } from './replicas.js';
import { RoleBindingsController } from './role-bindings.js';
import { RolesController } from './roles.js';
import { SchedulesController } from './schedules.js';
import { ServiceAccountsController } from './service-accounts.js';
import { SessionsController } from './sessions.js';
import { ShardsController } from './shards.js';
import { SigningKeysController } from './signing-keys.js';
import { StuckController } from './stuck.js';
import { TenantsController } from './tenants.js';
import { TotpController } from './totp.js';
import { UsersController } from './users.js';
import { WebhookDeliveriesController } from './webhook-deliveries.js';
import { WebhooksController } from './webhooks.js';

/** Every resource of the API. */
export const controllers: readonly Type[] = [
  AuthController,
  AccessController,
  OidcController,
  SessionsController,
  TotpController,
  ApiTokensController,
  UsersController,
  ServiceAccountsController,
  RolesController,
  RoleBindingsController,
  JwksController,
  SigningKeysController,
  OrgsController,
  ProjectsController,
  ProjectKeysController,
  PlansController,
  JobsController,
  DrainsController,
  JobEventsController,
  LocksController,
  ReplicasController,
  SchedulesController,
  TenantsController,
  ShardsController,
  PlacementController,
  ConfigController,
  ConfigValidateController,
  ClusterController,
  DefinitionsController,
  DefinitionContentsController,
  FleetController,
  FleetEventsController,
  FleetHistoryController,
  AuditController,
  AuditChainController,
  AuditVerifyController,
  AuditExportController,
  AuditSegmentsController,
  DeadLettersController,
  ChangesController,
  WebhooksController,
  WebhookDeliveriesController,
  LogAggregatesController,
  LogEventsController,
  LogStatsController,
  LogVerifyController,
  ProjectionsController,
  StuckController,
  DataController,
  ApiDocumentController,
];

@Module({})
export class ApiModule {
  static of(providers: Provider[]): DynamicModule {
    return { module: ApiModule, controllers: [...controllers], providers };
  }
}
