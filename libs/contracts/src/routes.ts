/** How a document of the domain `routing` is read: which route a request takes. */
import { z } from 'zod';

/** As much of a document as finding a route needs. */
export const routeTable = z.object({
  routes: z.array(z.object({ id: z.string(), hosts: z.array(z.string()), path_prefix: z.string() })),
});
export type RouteTable = z.output<typeof routeTable>;

/** A request that a route is looked for by. */
export interface RouteRequest {
  readonly host: string;
  readonly path: string;
}

/**
 * The id of the route that a request takes, or undefined: of those whose host and path prefix fit, the one with the longest prefix; with several of
 * that length one that names the host, then one that names its domain (`*.`), then one for any host. A prefix ends at the end of a path's part.
 */
export function routeOf({ routes }: RouteTable, { host, path }: RouteRequest): string | undefined {
  let best: { id: string; rank: readonly [number, number] } | undefined;
  for (const { id, hosts, path_prefix: prefix } of routes) {
    const fit = hostFit(hosts, host.toLowerCase());
    if (fit === undefined || !isBelow(path, prefix)) continue;
    const rank = [prefix.replace(/\/$/, '').length, fit] as const;
    if (best === undefined || rank[0] > best.rank[0] || (rank[0] === best.rank[0] && rank[1] > best.rank[1])) best = { id, rank };
  }
  return best?.id;
}

/** One request for each route, `most` at most: what shows that a gateway routes by the document. */
export function sampleRoutes({ routes }: RouteTable, most: number): RouteRequest[] {
  return routes.slice(0, most).map(({ hosts: [host = 'any.invalid'], path_prefix: path }) => ({ host: host.replace(/^\*/, 'any'), path }));
}

function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return prefix.endsWith('/') || path.length === prefix.length || path[prefix.length] === '/';
}

function hostFit(hosts: readonly string[], host: string): number | undefined {
  if (hosts.includes(host)) return 2;
  if (hosts.some((pattern) => pattern.startsWith('*.') && host.endsWith(pattern.slice(1)))) return 1;
  return hosts.length === 0 ? 0 : undefined;
}
