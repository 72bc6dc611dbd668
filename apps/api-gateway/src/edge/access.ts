import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { FairleadError, type Permission } from '@fairlead/contracts';
import { requirePermission, viaOf, type Principal, type TokenVerifier } from '@fairlead/auth';
import { isApiToken } from '../identity/api-tokens.js';
import { bindContext, contextOf } from './context.js';
import { refuseOtherSites } from './own-site.js';

/** What a route asks of its caller: a permission, nothing, or just that no other site's page sends the request. */
export type Access = Permission | 'public' | 'own-site';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** The route heeds its caller's scope; without it, callers who are kept to one are refused. */
    scoped?: boolean;
  }
}

/** The route needs a caller with this permission; `scoped` when it heeds the scope that they may be kept to. */
export const RequirePermission = (permission: Permission, { scoped = false }: { scoped?: boolean } = {}) =>
  RouteConfig({ access: permission, scoped });

/** The route answers anybody. */
export const Public = () => RouteConfig({ access: 'public' });

/** The route answers anybody but the pages of other sites: it sets or takes a cookie. */
export const OwnSite = () => RouteConfig({ access: 'own-site' });

/** Routes of the service runtime, which declare nothing: probes and scrapers carry no token. */
const probeRoutes: readonly string[] = ['GET /health', 'GET /ready', 'GET /metrics'];

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
  /** Answers a short-lived access token for an API token; throws `unauthenticated` when it is not valid, or no longer. */
  readonly exchangeApiToken: (apiToken: string) => Promise<string>;
  /** Where browsers reach the gateway, when that is not its own address. */
  readonly publicUrl?: string;
}

/**
 * Checks every request before its body is read, by the table of routes that Fastify really serves: a route that
 * declares no access does not let the server become ready, and would answer 403 if it did.
 */
export function guardRoutes(instance: FastifyInstance, deps: CallerDeps): void {
  const undeclared: string[] = [];
  instance.addHook('onRoute', (route) => {
    if (route.config?.access !== undefined) return;
    for (const method of [route.method].flat()) {
      const name = `${method} ${route.url}`;
      if (probeRoutes.includes(name)) route.config = { ...route.config, access: 'public' };
      else undeclared.push(name);
    }
  });
  instance.addHook('onReady', (done) => {
    done(undeclared.length === 0 ? undefined : new Error(`routes without a declared permission: ${undeclared.join(', ')}`));
  });
  instance.addHook('onRequest', async (request) => {
    const { access, scoped } = request.routeOptions.config;
    if (request.is404 || access === 'public') return;
    if (access === undefined) throw new FairleadError('permission_denied', 'The route declares no permission');
    if (access === 'own-site') refuseOtherSites(request, deps.publicUrl);
    else await authenticate(request, { permission: access, scoped }, deps);
  });
}

async function authenticate(
  request: FastifyRequest,
  { permission, scoped }: { permission: Permission; scoped?: boolean },
  deps: CallerDeps,
): Promise<void> {
  const token = /^Bearer ([\w.~+/=-]{1,8192})$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new FairleadError('unauthenticated', 'An access token is needed, in the Authorization header');
  // Services know nothing of API tokens: they get what the gateway signs for this one request.
  const bearer = isApiToken(token) ? await deps.exchangeApiToken(token) : token;
  const principal = await deps.verifier.verify(bearer);
  bindContext(request, { ...contextOf(request), principal: principal.onBehalfOf ?? principal.id, via: viaOf(principal), bearer });
  requirePermission(principal, permission, { scoped });
  principals.set(request, principal);
}
