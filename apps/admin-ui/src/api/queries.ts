import { requestOf, type Answer, type Call, type OperationId, type Query } from '@fairlead/api-client';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { isTerminal, type JobStatus } from '@fairlead/contracts/browser';
import { client } from './gateway.js';
import { readJson, send } from './http.js';
import { ApiProblem } from './problem.js';
import type { Readiness } from './types.js';

/** How often what is on the screen is looked up again. */
const [often, seldom] = [5_000, 15_000];

/** One operation of the API as a question, with its key in the cache: the operation and what it is asked. */
const ask = <Id extends OperationId>(id: Id, call: Call<Id>) =>
  queryOptions({ queryKey: [id, call] as const, queryFn: ({ signal }): Promise<Answer<Id>> => client.call(id, call, { signal }) });

/** A filter as an address has it: any text may stand there, and the gateway says what is wrong with it. */
type Filter<Id extends OperationId> = { readonly [Name in keyof Query<Id>]: Query<Id>[Name] | string };

/** A page of a list; while another page is on its way the present one stays. */
const page = <Id extends 'tenants.list' | 'jobs.list' | 'audit.list'>(id: Id, query: Filter<Id>, refetchInterval: number) => ({
  ...ask(id, { query } as Call<Id>),
  placeholderData: keepPreviousData,
  refetchInterval,
});

/** Every question the pages ask, with its key in the cache. */
export const queries = {
  tenants: (query: Filter<'tenants.list'>) => page('tenants.list', query, seldom),
  tenant: (id: string) => ({ ...ask('tenants.get', { path: { id }, headers: { 'X-Tenant-Id': id } }), refetchInterval: often }),
  shards: () => ({ ...ask('shards.list', {}), refetchInterval: seldom }),
  snapshot: () => ({ ...ask('fleet.snapshot', {}), refetchInterval: often }),
  appliedPlacement: () => ({ ...ask('fleet.appliedPlacement', {}), refetchInterval: often }),
  placement: () => ({ ...ask('placement.get', { query: { tenants: 'false' } }), refetchInterval: often }),
  jobs: (query: Filter<'jobs.list'>) => page('jobs.list', query, often),
  job: (id: string) =>
    queryOptions({
      ...ask('jobs.get', { path: { id } }),
      // Its events bring news at once; what makes none, such as waiting for a lock, is found by asking.
      refetchInterval: ({ state }) => (isOpen(state.data?.status) ? often : false),
    }),
  plan: (id: string) => ({ ...ask('plans.get', { path: { id } }), refetchInterval: often }),
  audit: (query: Filter<'audit.list'>) => page('audit.list', query, often),
  users: () => ({ ...ask('users.list', { query: { limit: 200 } }), refetchInterval: 60_000 }),
  dataTables: () => ask('data.list', {}),
  /** Each time it is asked is recorded: it is asked when somebody wants it, and not by itself. */
  dataRows: (schema: string, table: string, query: Filter<'data.read'>) => ({
    ...ask('data.read', { path: { schema, table }, query } as Call<'data.read'>),
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  }),
  /** It changes with the gateway's release alone. */
  apiDocument: () => ({ ...ask('apiDocument.get', {}), staleTime: Infinity }),
  readiness: () => queryOptions({ queryKey: ['probes.ready'], queryFn: ({ signal }) => readiness(signal), refetchInterval: often }),
};

/** The job may still change, also by another operator who lets it go on. */
function isOpen(status: JobStatus | undefined): boolean {
  return status !== undefined && (!isTerminal(status) || status === 'needs_attention');
}

/** The gateway's own readiness, which it tells everybody; a 503 tells what is missing as well. */
async function readiness(signal: AbortSignal): Promise<Readiness> {
  try {
    return await readJson<Readiness>(await send(requestOf('probes.ready', {}).path, { signal }));
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 503) return { status: 'unavailable', checks: {} };
    throw error;
  }
}
