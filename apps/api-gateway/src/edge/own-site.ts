import type { FastifyRequest } from 'fastify';
import { FairleadError } from '@fairlead/contracts';

/** True when browsers reach this gateway by TLS, so that cookies may be kept to it. */
export function isSecure(request: FastifyRequest, publicUrl: string | undefined): boolean {
  return publicUrl === undefined ? request.protocol === 'https' : new URL(publicUrl).protocol === 'https:';
}

/**
 * Throws `cross_site_request` when a browser sends a request from another site's page. Browsers say where a POST
 * comes from and let no page change that; programs say nothing, and hold no cookie that they did not put there.
 */
export function refuseOtherSites(request: FastifyRequest, publicUrl: string | undefined): void {
  const { origin, host, 'sec-fetch-site': site } = request.headers;
  const ownSite = site === undefined || site === 'same-origin' || site === 'none';
  if (!ownSite || (origin !== undefined && !isOwn(origin, host, publicUrl)))
    throw new FairleadError('cross_site_request', "This can't be done from another site's page");
}

function isOwn(origin: string, host: string | undefined, publicUrl: string | undefined): boolean {
  if (!URL.canParse(origin)) return false;
  return new URL(origin).host === host || (publicUrl !== undefined && new URL(publicUrl).origin === origin);
}
