import type { DynamicModule } from '@nestjs/common';
import {
  auditV1,
  chainV1,
  changesV1,
  configV1,
  definitionV1,
  eventCatalogue,
  type EventCatalogue,
  fleetV1,
  jobsV1,
  logV1,
  placementV1,
  projectionsV1,
} from '@fairlead/contracts';
import { createTokenVerifier, parseJwks, type TokenVerifier } from '@fairlead/auth';
import { createAppender, decodeEvent, followLog, pokeLog } from '@fairlead/event-log';
import { createIdempotency } from '@fairlead/postgres';
import { createOutbound, publicPolicy, type Outbound } from '@fairlead/outbound';
import { defineRpcs } from '@fairlead/rpc';
import { openResources, startService, type RunningService } from '@fairlead/service-runtime';
import type { Logger } from '@fairlead/telemetry';
import type { Config } from './config.js';
import { createRateLimit } from './domain/rate-limit.js';
import { createLoginLimits, loginLimits } from './domain/login-limits.js';
import { createThrottle } from './domain/throttle.js';
import {
  auditClient,
  chainClient,
  configClient,
  definitionClient,
  fleetClient,
  jobsClient,
  logClient,
  placementClient,
  projectionsClient,
} from './edge/clients.js';
import { SchemaPipe } from './edge/parse.js';
import { ProblemFilter } from './edge/problems.js';
import { createEdge } from './edge/server.js';
import { loadUi, serveUi } from './edge/ui.js';
import { openExternalTokens, type ExternalIssuerTokens } from './external-tokens/open.js';
import { watch } from './grpc/watch.js';
import { changeSse, changeStream } from './http/changes.js';
import { dataBrowser } from './http/data.js';
import { jobStreams } from './http/job-events.js';
import { tellKeySet, trustedKeys } from './http/jwks.js';
import { apiDocument } from './http/api-document.js';
import { ApiModule, controllers } from './http/module.js';
import { singleSignOn, type SingleSignOnHolder } from './http/oidc.js';
import { signingKeys, type SigningKeysHolder } from './http/signing-keys.js';
import { exchangeApiToken, isApiToken } from './identity/api-tokens.js';
import { createIam } from './iam/iam.js';
import { callersNow } from './identity/callers-now.js';
import { keepFirstAdmin } from './identity/first-admin.js';
import { identity, type Identity } from './identity/identity.js';
import { warnOfMissingRoles } from './identity/mapped-roles.js';
import { createPasswords } from './identity/passwords.js';
import { createSingleSignOn, type SingleSignOn } from './single-sign-on/single-sign-on.js';
import { documentOf } from './openapi/document.js';
import { createData } from './data/browse.js';
import { createRefusedSignIns } from './identity/refused-sign-ins.js';
import { createSealer } from './identity/sealing.js';
import { keepSigningKeys, type SigningKeys, type SigningKeyDeps } from './identity/signing-keys.js';
import { migrations } from './store/migrations/index.js';
import { changeLimits } from './streams/change-limits.js';
import { createChanges } from './streams/changes.js';
import { createJobStreams } from './streams/job-events.js';
import { openWebhooks, type OpenWebhooksOptions } from './webhooks/open.js';
import { webhooks } from './webhooks/webhooks.js';

/** What tests and the all-in-one process replace. */
export interface Overrides {
  logger?: Logger;
  /** More modules with routes; each route declares its permission. */
  imports?: readonly DynamicModule[];
  /** Says whom a token speaks for, instead of the trusted keys: principals that no role makes. */
  verifier?: TokenVerifier;
  /** Whose business events are, and what such readers see: the change stream's alone. */
  catalogue?: EventCatalogue;
  /** Is told of every route that the gateway serves. */
  onRoute?: (method: string, path: string) => void;
  heartbeatMs?: number;
  /** How long the reader of a change stream may take nothing. */
  stallMs?: number;
  /** How deliveries to webhooks are made. */
  webhooks?: OpenWebhooksOptions['worker'];
}

/** Ten wrong passwords or codes of somebody who is logged in, within five minutes. */
const ownLimits = { failures: 10, windowMs: 5 * 60_000, keys: 50_000 };

/** Starts the gateway; it serves when this resolves. */
export async function createService(config: Config, overrides: Overrides = {}): Promise<RunningService> {
  if (config.SIGNING_KEY_ROTATION_SECONDS !== undefined && config.IDENTITY_KEY === undefined)
    throw new Error('SIGNING_KEY_ROTATION_SECONDS needs IDENTITY_KEY, under which the signing keys are stored');
  if (config.OIDC_ISSUERS.length > 0 && (config.IDENTITY_KEY === undefined || config.PUBLIC_URL === undefined))
    throw new Error(
      'OIDC_ISSUERS needs IDENTITY_KEY, under which sign-ins are sealed, and PUBLIC_URL, where issuers send browsers back to',
    );
  if (config.OIDC_ISSUERS.length > 0 && config.TOKEN_ISSUER !== undefined)
    throw new Error('OIDC_ISSUERS and TOKEN_ISSUER exclude each other: people sign in here, or get their access tokens elsewhere');
  if (config.IAM_URL !== undefined && (config.IAM_TOKEN === undefined || config.TOKEN_ISSUER === undefined))
    throw new Error('IAM_URL needs IAM_TOKEN, which the gateway shows there, and TOKEN_ISSUER, whose tokens its people have');
  if (config.JWKS_HTTPS_PORT !== undefined && config.TLS_CERT_FILE === undefined)
    throw new Error('JWKS_HTTPS_PORT needs TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE, by which services are known there');
  const resources = await openResources({ name: 'api-gateway', config, entities: [], migrations, logger: overrides.logger });
  const { database, messaging, logger, registry, tracing } = resources;
  const jwks = parseJwks(config.TRUST_JWKS);
  const keys = await signingKeysOf(config, { database, logger, fallback: resources.signer });
  const verifier = overrides.verifier ?? createTokenVerifier({ jwks, userKeys: keys });
  const rateWindow = { limit: config.RATE_LIMIT_PER_MINUTE, windowMs: 60_000, callers: 100_000 };
  const passwords = await createPasswords();
  const firstAdmin = await keepFirstAdmin({ database, passwords, logger, file: config.FIRST_ADMIN_FILE, email: config.FIRST_ADMIN_EMAIL });
  await warnOfMissingRoles(database, logger, rolesMappedTo(config));
  const follower = followLog({ sql: database, messaging, logger, registry, heartbeatMs: overrides.heartbeatMs });
  const appender = createAppender({
    sql: database.pipeline(),
    onAppended: (position) => {
      pokeLog(messaging, position);
    },
  });
  const catalogue = overrides.catalogue ?? eventCatalogue;
  const streams = createJobStreams({ sql: database, follower, logger });
  const limits = changeLimits({ max: config.CHANGE_STREAMS_MAX, maxPerPrincipal: config.CHANGE_STREAMS_MAX_PER_PRINCIPAL, registry });
  const changes = createChanges({ follower, catalogue, decode: decodeEvent, limits, logger });
  const idempotency = createIdempotency({ database, logger, secret: config.IDENTITY_KEY });
  const signer = keys === undefined ? resources.signer : { ...resources.signer, signUser: keys.signUser };
  const ownIdentity = identityOf(config, { ...resources, signer, passwords, appender, idempotency });
  const told = openWebhooks({ ...resources, config, catalogue, sealer: ownIdentity.sealer, worker: overrides.webhooks });
  const signOn = signOnOf(config, logger);
  const allowed = { allowedCidrs: config.OUTBOUND_ALLOW_CIDRS, allowedHosts: config.OUTBOUND_ALLOW_HOSTS };
  const external = config.TOKEN_ISSUER === undefined ? undefined : openExternalTokens(config.TOKEN_ISSUER, allowed, ownIdentity);
  const exchange = exchangeOf(ownIdentity, external);
  const trusted = () => [...jwks.keys, ...(keys?.trusted() ?? [])];
  let keySet: { close(): Promise<void> } | undefined;
  const api = ApiModule.of([
    { provide: identity, useValue: ownIdentity },
    { provide: apiDocument, useFactory: () => JSON.stringify(documentOf(controllers)) },
    { provide: trustedKeys, useValue: trusted },
    { provide: signingKeys, useValue: { keys } satisfies SigningKeysHolder },
    { provide: singleSignOn, useValue: { signOn: signOn?.signOn } satisfies SingleSignOnHolder },
    { provide: jobStreams, useValue: streams },
    { provide: webhooks, useValue: told.webhooks },
    { provide: changeStream, useValue: changes },
    { provide: changeSse, useValue: { limits, logger, stallMs: overrides.stallMs } },
    {
      provide: dataBrowser,
      useValue: createData({
        database,
        onAppended: (position) => {
          pokeLog(messaging, position);
        },
      }),
    },
    { provide: jobsClient, useValue: resources.client(jobsV1.JobOrchestratorServiceService, config.JOB_ORCHESTRATOR_GRPC) },
    { provide: configClient, useValue: resources.client(configV1.ConfigServiceService, config.PLACEMENT_GRPC) },
    { provide: definitionClient, useValue: resources.client(definitionV1.DefinitionServiceService, config.PLACEMENT_GRPC) },
    { provide: placementClient, useValue: resources.client(placementV1.PlacementServiceService, config.PLACEMENT_GRPC) },
    { provide: fleetClient, useValue: resources.client(fleetV1.FleetObserverServiceService, config.FLEET_OBSERVER_GRPC) },
    { provide: auditClient, useValue: resources.client(auditV1.AuditServiceService, config.AUDIT_GRPC) },
    { provide: chainClient, useValue: resources.client(chainV1.ChainServiceService, config.AUDIT_GRPC) },
    { provide: logClient, useValue: resources.client(logV1.LogServiceService, config.AUDIT_GRPC) },
    { provide: projectionsClient, useValue: resources.client(projectionsV1.ProjectionServiceService, config.AUDIT_GRPC) },
  ]);
  // Ends all that was opened here when it can't start.
  return startService({
    resources,
    config,
    rpcs:
      config.GRPC_PORT === undefined
        ? undefined
        : [defineRpcs(changesV1.ChangeStreamServiceService, { watch: watch({ changes, limits }) })],
    stallMs: overrides.stallMs,
    verifier: { verify: async (token) => verifier.verify(await exchange(token)) },
    imports: [api, ...(overrides.imports ?? [])],
    adapter: createEdge({
      logger,
      registry,
      verifier,
      tracing,
      exchange,
      auditGate: resources.auditGate,
      recordRead: async ({ name, ...payload }) => {
        await appender.append({ events: [{ aggregateType: 'sensitive_read', aggregateId: name, type: 'read_requested', payload }] });
      },
      callersNow: callersNow({ database, signer, verifier }),
      publicUrl: config.PUBLIC_URL,
      trustedProxies: config.TRUSTED_PROXIES,
      onRoute: overrides.onRoute,
      rateLimit: { ...rateWindow, ...createRateLimit(rateWindow) },
    }),
    configure: async (app) => {
      serveUi(app.getHttpAdapter().getInstance(), await loadUi(config.ADMIN_UI_DIR));
      app.useGlobalPipes(new SchemaPipe());
      app.useGlobalFilters(new ProblemFilter(logger));
      const { HTTP_HOST: host, JWKS_HTTPS_PORT: port } = config;
      if (port !== undefined && resources.tls !== undefined) keySet = await tellKeySet(trusted, { source: resources.tls, host, port });
    },
    checks: [firstAdmin.check, ...(keys === undefined ? [] : [keys.check])],
    onDrain: [
      () => {
        firstAdmin.stop();
        idempotency.stop();
        streams.close();
        changes.close();
      },
      () => keySet?.close(),
      () => told.stop(),
      () => follower.stop(),
      () => keys?.stop(),
      () => signOn?.outbound.close(),
      () => external?.close(),
      () => ownIdentity.iam?.close(),
      // The appender stays: requests in flight wait for what they record, and the server waits for them.
    ],
  });
}

/** What a bearer token is exchanged for that services know nothing of: an API token, or an external issuer's. */
function exchangeOf(ownIdentity: Identity, external: ExternalIssuerTokens | undefined): (bearer: string) => Promise<string> {
  return (bearer) => {
    if (isApiToken(bearer)) return exchangeApiToken(ownIdentity, bearer);
    return external?.claims(bearer) === true ? external.exchange(bearer) : Promise.resolve(bearer);
  };
}

/** How long tokens of API tokens live, and how much longer than its tokens a key is trusted: every gateway has read the keys again by then. */
const [minTtlSeconds, spareSeconds] = [60, 60];

/** The rotating keys; undefined where none are asked for. */
async function signingKeysOf(
  config: Config,
  deps: Pick<SigningKeyDeps, 'database' | 'logger' | 'fallback'>,
): Promise<SigningKeys | undefined> {
  if (config.SIGNING_KEY_ROTATION_SECONDS === undefined || config.IDENTITY_KEY === undefined) return undefined;
  const overlapSeconds = Math.max(config.ACCESS_TOKEN_TTL_SECONDS, minTtlSeconds) + spareSeconds;
  return keepSigningKeys({
    ...deps,
    sealer: createSealer(config.IDENTITY_KEY),
    rule: {
      everyMs: config.SIGNING_KEY_ROTATION_SECONDS * 1_000,
      leadMs: config.SIGNING_KEY_LEAD_SECONDS * 1_000,
      overlapMs: overlapSeconds * 1_000,
    },
  });
}

/** The names of all roles that issuers' groups and claims are mapped to. */
function rolesMappedTo({ OIDC_ISSUERS: issuers, TOKEN_ISSUER: tokens }: Config): string[] {
  const ofTokens = Object.values(tokens?.roles ?? {}).flatMap((mapped) => mapped.map(({ role }) => role));
  return [...issuers.flatMap(({ roles }) => Object.values(roles).flat()), ...ofTokens];
}

/** Sign-in at issuers, and the connections to them; undefined without issuers. */
function signOnOf(config: Config, logger: Logger): { signOn: SingleSignOn; outbound: Outbound } | undefined {
  const { OIDC_ISSUERS: issuers, IDENTITY_KEY: key, PUBLIC_URL: publicUrl } = config;
  if (issuers.length === 0 || key === undefined || publicUrl === undefined) return undefined;
  const policy = publicPolicy({ allowedCidrs: config.OUTBOUND_ALLOW_CIDRS, allowedHosts: config.OUTBOUND_ALLOW_HOSTS });
  const outbound = createOutbound({ policy });
  return { outbound, signOn: createSingleSignOn({ issuers, outbound, sealer: createSealer(key), publicUrl, logger }) };
}

function identityOf(config: Config, parts: Pick<Identity, 'database' | 'signer' | 'passwords' | 'appender' | 'idempotency'>): Identity {
  const { IAM_URL: url, IAM_TOKEN: token, TOKEN_ISSUER: people } = config;
  const policy = publicPolicy({ allowedCidrs: config.OUTBOUND_ALLOW_CIDRS, allowedHosts: config.OUTBOUND_ALLOW_HOSTS });
  return {
    database: parts.database,
    signer: parts.signer,
    passwords: parts.passwords,
    appender: parts.appender,
    idempotency: parts.idempotency,
    loginLimits: createLoginLimits(loginLimits),
    refusedSignIns: createRefusedSignIns(parts.appender, config.IDENTITY_KEY),
    throttle: createThrottle(ownLimits),
    codeThrottle: createThrottle(loginLimits.code),
    sealer: config.IDENTITY_KEY === undefined ? undefined : createSealer(config.IDENTITY_KEY),
    tokenTtlSeconds: config.ACCESS_TOKEN_TTL_SECONDS,
    firstAdminFile: config.FIRST_ADMIN_FILE,
    publicUrl: config.PUBLIC_URL,
    iam:
      url === undefined || token === undefined || people === undefined
        ? undefined
        : createIam({
            ...parts,
            url,
            token,
            timeoutMs: config.IAM_TIMEOUT_MS,
            issuer: people.issuer,
            outbound: createOutbound({ policy }),
          }),
    elsewhere: config.TOKEN_ISSUER === undefined ? undefined : { issuer: config.TOKEN_ISSUER.issuer, breakGlass: config.FIRST_ADMIN_EMAIL },
  };
}
