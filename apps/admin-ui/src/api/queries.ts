import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { isTerminal, type JobStatus } from '@fairlead/contracts/browser';
import { client } from './gateway.js';
import { readJson, send, type QueryParams } from './http.js';
import { ApiProblem } from './problem.js';
import type {
  AppliedPlacement,
  AuditRecord,
  Job,
  Page,
  PlacementSummary,
  Plan,
  Readiness,
  Shard,
  Snapshot,
  Tenant,
  User,
} from './types.js';

/** How often what is on the screen is looked up again. */
const [often, seldom] = [5_000, 15_000];

/** A page of a list; while another page is on its way the present one stays. */
const page = <T>(path: string, query: QueryParams, refetchInterval: number) =>
  queryOptions({
    queryKey: [path, query],
    queryFn: ({ signal }) => client.get<Page<T>>(path, { query, signal }),
    placeholderData: keepPreviousData,
    refetchInterval,
  });

const one = <T>(path: string, refetchInterval: number, query: QueryParams = {}) =>
  queryOptions({ queryKey: [path, query], queryFn: ({ signal }) => client.get<T>(path, { query, signal }), refetchInterval });

/** Every question the pages ask, with its key in the cache. */
export const queries = {
  tenants: (query: QueryParams) => page<Tenant>('/admin/v1/tenants', query, seldom),
  tenant: (tenantId: string) =>
    queryOptions({
      queryKey: [`/admin/v1/tenants/${tenantId}`, {}],
      queryFn: ({ signal }) =>
        client.get<Tenant>(`/admin/v1/tenants/${encodeURIComponent(tenantId)}`, { headers: { 'x-tenant-id': tenantId }, signal }),
      refetchInterval: often,
    }),
  shards: () => one<Page<Shard>>('/admin/v1/shards', seldom),
  snapshot: () => one<Snapshot>('/admin/v1/fleet/snapshot', often),
  appliedPlacement: () => one<{ gateways: AppliedPlacement[] }>('/admin/v1/fleet/applied-placement', often),
  placement: () => one<PlacementSummary>('/admin/v1/placement', often, { tenants: 'false' }),
  jobs: (query: QueryParams) => page<Job>('/admin/v1/jobs', query, often),
  job: (jobId: string) =>
    queryOptions({
      queryKey: ['/admin/v1/jobs', jobId],
      queryFn: ({ signal }) => client.get<Job>(`/admin/v1/jobs/${encodeURIComponent(jobId)}`, { signal }),
      // Its events bring news at once; what makes none, such as waiting for a lock, is found by asking.
      refetchInterval: ({ state }) => (isOpen(state.data?.status) ? often : false),
    }),
  plan: (planId: string) => one<Plan>(`/admin/v1/plans/${encodeURIComponent(planId)}`, often),
  audit: (query: QueryParams) => page<AuditRecord>('/admin/v1/audit', query, often),
  users: () => one<Page<User>>('/admin/v1/users', 60_000, { limit: 200 }),
  readiness: () => queryOptions({ queryKey: ['/ready'], queryFn: ({ signal }) => readiness(signal), refetchInterval: often }),
};

/** The job may still change, also by another operator who lets it go on. */
function isOpen(status: JobStatus | undefined): boolean {
  return status !== undefined && (!isTerminal(status) || status === 'needs_attention');
}

/** The gateway's own readiness; a 503 tells what is missing as well. */
async function readiness(signal: AbortSignal): Promise<Readiness> {
  try {
    return await readJson<Readiness>(await send('/ready', { signal }));
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 503) return { status: 'unavailable', checks: {} };
    throw error;
  }
}
