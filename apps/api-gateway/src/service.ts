import type { DynamicModule } from '@nestjs/common';
import { auditV1, fleetV1, jobsV1, placementV1 } from '@fairlead/contracts';
import { parseJwks } from '@fairlead/auth';
import { createAppender, followLog, pokeLog } from '@fairlead/event-log';
import { openResources, startService, type RunningService } from '@fairlead/service-runtime';
import type { Logger } from '@fairlead/telemetry';
import type { Config } from './config.js';
import { createThrottle } from './domain/throttle.js';
import { auditClient, fleetClient, jobsClient, placementClient } from './edge/clients.js';
import { SchemaPipe } from './edge/parse.js';
import { ProblemFilter } from './edge/problems.js';
import { createEdge } from './edge/server.js';
import { loadUi, serveUi } from './edge/ui.js';
import { jobStreams } from './http/job-events.js';
import { trustedKeys } from './http/jwks.js';
import { ApiModule } from './http/module.js';
import { exchangeApiToken } from './identity/api-tokens.js';
import { keepFirstAdmin } from './identity/first-admin.js';
import { identity, type Identity } from './identity/identity.js';
import { createPasswords } from './identity/passwords.js';
import { migrations } from './store/migrations/index.js';
import { User } from './store/user.js';
import { createJobStreams } from './streams/job-events.js';

/** What tests and the all-in-one process replace. */
export interface Overrides {
  logger?: Logger;
  /** More modules with routes; each route declares its permission. */
  imports?: readonly DynamicModule[];
  heartbeatMs?: number;
}

/** Ten wrong passwords per address and user within five minutes. */
const loginLimits = { failures: 10, windowMs: 5 * 60_000, keys: 50_000 };
/** A hundred per address, whoever they were for. */
const addressLimits = { ...loginLimits, failures: 100 };

/** Starts the gateway; it serves when this resolves. */
export async function createService(config: Config, overrides: Overrides = {}): Promise<RunningService> {
  const resources = await openResources({ name: 'api-gateway', config, entities: [User], migrations, logger: overrides.logger });
  const { database, messaging, logger, registry, verifier, tracing } = resources;
  const passwords = await createPasswords();
  const firstAdmin = await keepFirstAdmin({ database, passwords, logger, file: config.FIRST_ADMIN_FILE, email: config.FIRST_ADMIN_EMAIL });
  const follower = followLog({ sql: database, messaging, logger, registry, heartbeatMs: overrides.heartbeatMs });
  const appender = createAppender({
    sql: database,
    onAppended: (position) => {
      pokeLog(messaging, position);
    },
  });
  const streams = createJobStreams({ sql: database, follower, logger });
  const ownIdentity = identityOf(config, { ...resources, passwords, appender });
  const api = ApiModule.of([
    { provide: identity, useValue: ownIdentity },
    { provide: trustedKeys, useValue: parseJwks(config.TRUST_JWKS) },
    { provide: jobStreams, useValue: streams },
    { provide: jobsClient, useValue: resources.client(jobsV1.JobOrchestratorServiceService, config.JOB_ORCHESTRATOR_GRPC) },
    { provide: placementClient, useValue: resources.client(placementV1.PlacementServiceService, config.PLACEMENT_GRPC) },
    { provide: fleetClient, useValue: resources.client(fleetV1.FleetObserverServiceService, config.FLEET_OBSERVER_GRPC) },
    { provide: auditClient, useValue: resources.client(auditV1.AuditServiceService, config.AUDIT_GRPC) },
  ]);
  // Ends all that was opened here when it can't start.
  return startService({
    resources,
    config,
    imports: [api, ...(overrides.imports ?? [])],
    adapter: createEdge({
      logger,
      registry,
      verifier,
      tracing,
      exchangeApiToken: (apiToken) => exchangeApiToken(ownIdentity, apiToken),
      publicUrl: config.PUBLIC_URL,
      trustedProxies: config.TRUSTED_PROXIES,
    }),
    configure: async (app) => {
      serveUi(app.getHttpAdapter().getInstance(), await loadUi(config.ADMIN_UI_DIR));
      app.useGlobalPipes(new SchemaPipe());
      app.useGlobalFilters(new ProblemFilter(logger));
    },
    checks: [firstAdmin.check],
    onDrain: [
      () => {
        firstAdmin.stop();
        streams.close();
      },
      () => follower.stop(),
      // The appender stays: requests in flight wait for what they record, and the server waits for them.
    ],
  });
}

function identityOf(config: Config, parts: Pick<Identity, 'database' | 'signer' | 'passwords' | 'appender'>): Identity {
  return {
    database: parts.database,
    signer: parts.signer,
    passwords: parts.passwords,
    appender: parts.appender,
    throttle: createThrottle(loginLimits),
    addressThrottle: createThrottle(addressLimits),
    tokenTtlSeconds: config.ACCESS_TOKEN_TTL_SECONDS,
    firstAdminFile: config.FIRST_ADMIN_FILE,
    publicUrl: config.PUBLIC_URL,
  };
}
