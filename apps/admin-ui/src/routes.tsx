import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { NotFound } from './pages/not-found.js';
import { parseSearch, searchOf, stringifySearch } from './search.js';
import { Shell } from './shell.js';

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });
const at = <Path extends string>(path: Path) => ({ getParentRoute: () => root, path });

const jobsSearch = searchOf('status', 'kind', 'tenant', 'correlation_id', 'parent', 'cursor');
const auditNames = ['principal', 'tenant', 'action', 'job_id', 'correlation_id', 'request_id', 'trace_id', 'from', 'to', 'cursor'] as const;

/** Every page: its address, what its address says, where its code is. */
const pages = [
  createRoute({ ...at('/'), component: lazyRouteComponent(() => import('./pages/overview.js')) }),
  createRoute({
    ...at('/tenants'),
    validateSearch: searchOf('kind', 'shard_id', 'cursor'),
    component: lazyRouteComponent(() => import('./pages/tenants.js')),
  }),
  createRoute({
    ...at('/tenants/$tenantId'),
    validateSearch: searchOf('dialog'),
    component: lazyRouteComponent(() => import('./pages/tenant.js')),
  }),
  createRoute({ ...at('/fleet'), component: lazyRouteComponent(() => import('./pages/fleet.js')) }),
  createRoute({ ...at('/jobs'), validateSearch: jobsSearch, component: lazyRouteComponent(() => import('./pages/jobs.js')) }),
  createRoute({ ...at('/jobs/$jobId'), component: lazyRouteComponent(() => import('./pages/job.js')) }),
  createRoute({ ...at('/plans/$planId'), component: lazyRouteComponent(() => import('./pages/plan.js')) }),
  createRoute({
    ...at('/audit'),
    validateSearch: searchOf(...auditNames),
    component: lazyRouteComponent(() => import('./pages/audit.js')),
  }),
  createRoute({ ...at('/data'), component: lazyRouteComponent(() => import('./pages/data.js')) }),
  createRoute({
    ...at('/data/$schema/$table'),
    validateSearch: searchOf('columns', 'filter', 'order', 'cursor'),
    component: lazyRouteComponent(() => import('./pages/data-rows.js')),
  }),
  createRoute({ ...at('/api'), validateSearch: searchOf('find'), component: lazyRouteComponent(() => import('./pages/api.js')) }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren(pages),
  parseSearch,
  stringifySearch,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
