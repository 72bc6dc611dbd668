/** Which versions of which definitions a runner runs, as the configuration document `runner-activation` says. */
import { z } from 'zod';
import { namePattern, platformScope, type ConfigIdentity } from '@fairlead/contracts';
import type { AppliedConfig } from '../gateway/applied-config.js';
import { parseInput, type Route } from '../http/server.js';

/** The one document that says it. */
const document: ConfigIdentity = { domain: 'runner-activation', name: 'default', scope: platformScope };

/** The documents that runners go by. */
export const runnerConfig: readonly ConfigIdentity[] = [document];

const versions = z.record(z.string(), z.int().nullable());
const activations = z.object({ defaults: versions, tenants: z.record(z.string(), versions) });
const query = z.object({ tenant: z.string().regex(namePattern, 'not a tenant id').optional() });

/** Which version of each definition is run for a tenant, or for everybody for whom nothing else is said; what is off is not named. Nothing before a document is known. */
export function activeDefinitions(content: unknown, tenant: string | undefined): Record<string, number> {
  const read = activations.safeParse(content);
  if (!read.success) return {};
  const { defaults, tenants } = read.data;
  const own = tenant !== undefined && Object.hasOwn(tenants, tenant) ? tenants[tenant] : {};
  const given = Object.entries({ ...defaults, ...own });
  return Object.fromEntries(given.filter((entry): entry is [string, number] => entry[1] !== null));
}

/** `GET /admin/definitions`: what the runner runs, and the revision that says so. */
export function definitionsRoute(config: AppliedConfig): Route {
  return {
    method: 'GET',
    path: '/admin/definitions',
    handle: (request) => {
      const { tenant } = parseInput(query, Object.fromEntries(request.query));
      const value = config.current(document);
      return { status: 200, body: { revision: value?.revision ?? 0, definitions: activeDefinitions(value?.content, tenant) } };
    },
  };
}
