import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { contextHeaders, FairleadError, namePattern, onlyReads, type Permission } from '@fairlead/contracts';
import { requirePermission, requireTenant, viaOf, type Principal, type TokenVerifier } from '@fairlead/auth';
import { runInContext } from '@fairlead/telemetry';
import { invalidField } from '../domain/invalid.js';
import type { RateLimit } from '../domain/rate-limit.js';
import type { CallersNow } from '../identity/callers-now.js';
import { bindContext, contextOf } from './context.js';
import { openRoutes } from './open-routes.js';
import { refuseOtherSites } from './own-site.js';
import { isUndecidedRead, routeName, sensitiveReadOf, sensitiveReads, type SensitiveRead } from './sensitive-reads.js';

/** What a route asks of its caller: a permission, nothing, or just that no other site's page sends the request. */
export type Access = Permission | 'public' | 'own-site';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** The route heeds its caller's scope; without it, callers who are kept to one are refused. */
    scoped?: boolean;
    /** The permission is enough on any part of the platform; the route looks at where itself. */
    anywhere?: boolean;
    /** The part of the route's path that names its tenant. */
    tenant?: string;
    /** What {@link sensitiveReads} call it: it hands out so much that it is recorded before, as changes are. */
    sensitive?: string;
  }
}

export interface RouteScope {
  /** It heeds the scope that its caller may be kept to. */
  readonly scoped?: boolean;
  /** The permission is enough on any part of the platform: the route itself looks at where, and answers or does no more than that. */
  readonly anywhere?: boolean;
  /** It is about the one tenant that this part of its path names; the header `x-tenant-id` has to name the same. The permission is enough on that tenant. */
  readonly tenant?: string;
}

/** The route needs a caller with this permission on the whole platform, unless it says where else it is enough. */
export const RequirePermission = (permission: Permission, { scoped = false, anywhere = false, tenant }: RouteScope = {}) =>
  RouteConfig({ access: permission, scoped, anywhere, ...(tenant === undefined ? {} : { tenant }) });

/** The route answers anybody. */
export const Public = () => RouteConfig({ access: 'public' });

/** The route answers anybody but the pages of other sites: it sets or takes a cookie. */
export const OwnSite = () => RouteConfig({ access: 'own-site' });

const principals = new WeakMap<FastifyRequest, Principal>();

/** The authenticated caller of a request; throws `unauthenticated` on a public route. */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request);
  if (principal === undefined) throw new FairleadError('unauthenticated', 'An access token is needed');
  return principal;
}

/** How the edge learns who calls. */
export interface CallerDeps {
  readonly verifier: TokenVerifier;
  /**
   * Answers a short-lived access token for an API token or an external issuer's token, and any other as it is; throws `unauthenticated` when
   * it is not valid, or no longer.
   */
  readonly exchange: (bearer: string) => Promise<string>;
  /** Answers a caller as they are now; throws `unauthenticated` when the session or API token behind their token has ended. */
  readonly callersNow: CallersNow;
  /** Throws when what is changed now would not be recorded, or the audit chain is too far behind. */
  readonly auditGate: { check(): Promise<void> };
  /** Commits the event that says who asked for what; throws when it can't: then nothing is answered. Called in the request's context. */
  readonly recordRead: (read: SensitiveRead) => Promise<void>;
  /** Where browsers reach the gateway, when that is not its own address. */
  readonly publicUrl?: string;
  /** How many requests a caller may send; as many as they like without it. */
  readonly rateLimit?: RateLimit & { readonly limit: number; readonly windowMs: number };
  /** Is told of every route that Fastify serves. */
  readonly onRoute?: (method: string, path: string) => void;
}

/**
 * Checks every request before its body is read, by the table of routes that Fastify really serves: a route that
 * declares no access does not let the server become ready, and would answer 403 if it did.
 */
export function guardRoutes(instance: FastifyInstance, deps: CallerDeps): void {
  const undeclared: string[] = [];
  const undecided: string[] = [];
  instance.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      deps.onRoute?.(method, route.url);
      const name = routeName(method, route.url);
      if (isUndecidedRead(method, name, permissionOf(route.config?.access))) undecided.push(name);
      if (Object.hasOwn(sensitiveReads, name)) route.config = { ...route.config, sensitive: sensitiveReads[name] };
    }
    if (route.config?.access !== undefined) return;
    for (const method of [route.method].flat()) {
      const name = `${method} ${route.url}`;
      // Those of the service runtime declare nothing: probes and scrapers carry no token.
      if (openRoutes.includes(name)) route.config = { ...route.config, access: 'public' };
      else undeclared.push(name);
    }
  });
  instance.addHook('onReady', (done) => {
    if (undeclared.length > 0) done(new Error(`routes without a declared permission: ${undeclared.join(', ')}`));
    else if (undecided.length > 0) done(new Error(`reads that sensitive-reads.ts does not decide about: ${undecided.join(', ')}`));
    else done();
  });
  instance.addHook('onRequest', async (request, reply) => {
    const { access, scoped, anywhere, tenant, sensitive } = request.routeOptions.config;
    if (request.is404 || access === 'public') return;
    if (access === undefined) throw new FairleadError('permission_denied', 'The route declares no permission');
    if (access === 'own-site') refuseOtherSites(request, deps.publicUrl);
    else await authenticate({ request, reply }, { permission: access, scoped, anywhere, tenant, sensitive }, deps);
  });
}

function permissionOf(access: Access | undefined): Permission | undefined {
  return access === 'public' || access === 'own-site' ? undefined : access;
}

async function authenticate(
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  { permission, scoped, anywhere, tenant, sensitive }: RouteScope & { permission: Permission; sensitive: string | undefined },
  deps: CallerDeps,
): Promise<void> {
  const token = /^Bearer ([\w.~+/=-]{1,8192})$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new FairleadError('unauthenticated', 'An access token is needed, in the Authorization header');
  // Services know nothing of API tokens, or of other issuers: they get what the gateway signs for this one request.
  const bearer = await runInContext(contextOf(request), () => deps.exchange(token));
  const signed = { principal: await deps.verifier.verify(bearer), bearer };
  const { id, onBehalfOf } = signed.principal;
  bindContext(request, { ...contextOf(request), principal: onBehalfOf ?? id, via: viaOf(signed.principal), bearer });
  limitRate(reply, signed.principal, deps.rateLimit);
  // A token is valid for minutes; what changes something or hands much out goes by what its caller may do now. What was exchanged was asked for just now.
  const strict = request.method !== 'GET' || sensitive !== undefined;
  const { principal, bearer: present } = bearer === token ? await deps.callersNow(signed, { strict }) : signed;
  bindContext(request, { ...contextOf(request), bearer: present });
  // Whoever may do it nowhere learns nothing from the header; where is asked below.
  requirePermission(principal, permission, { scoped, anywhere: anywhere === true || tenant !== undefined });
  if (sensitive !== undefined || (request.method !== 'GET' && !onlyReads(permission))) await deps.auditGate.check();
  principals.set(request, principal);
  if (tenant !== undefined) {
    const tenantId = tenantOf(request, tenant);
    requirePermission(principal, permission, { scoped, tenant: tenantId });
    requireTenant(principal, tenantId);
    bindContext(request, { ...contextOf(request), tenantId });
  }
  if (sensitive !== undefined) await runInContext(contextOf(request), () => deps.recordRead(sensitiveReadOf(sensitive, request)));
}

/** Tells a caller how many requests they have left, as the IETF's draft on RateLimit header fields says, and refuses those that are too many. */
function limitRate(reply: FastifyReply, principal: Principal, rateLimit: CallerDeps['rateLimit']): void {
  if (rateLimit === undefined) return;
  // A user's programs do not use up what the user has.
  const caller = `${principal.id} ${viaOf(principal) ?? ''}`;
  const { allowed, remaining, resetMs } = rateLimit.take(caller, performance.now());
  const seconds = Math.ceil(resetMs / 1_000);
  reply.header('ratelimit-policy', `"requests";q=${String(rateLimit.limit)};w=${String(rateLimit.windowMs / 1_000)}`);
  reply.header('ratelimit', `"requests";r=${String(remaining)};t=${String(seconds)}`);
  if (!allowed)
    throw new FairleadError('rate_limited', `More than ${String(rateLimit.limit)} requests in a minute`, {
      details: { retry_after_seconds: seconds },
    });
}

/**
 * The tenant that a request is about: both its path and its `x-tenant-id` name it, so that a program that mixes two up is told. Other
 * routes ignore the header.
 */
function tenantOf(request: FastifyRequest, part: string): string {
  const named = request.headers[contextHeaders.tenantId];
  if (typeof named !== 'string' || !namePattern.test(named))
    throw invalidField(contextHeaders.tenantId, 'must name the tenant: 1 to 63 lower-case letters, digits or hyphens');
  if ((request.params as Record<string, string>)[part] !== named)
    throw invalidField(contextHeaders.tenantId, 'names another tenant than the path');
  return named;
}
