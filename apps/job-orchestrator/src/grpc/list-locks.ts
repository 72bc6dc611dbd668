import type { jobsV1 } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { listLocks as list, listWaiters } from '../store/locks.js';
import { time } from './messages.js';

const maxPage = 500;
/** Of each resource; how many there are is told too. */
const maxWaiters = 20;

export const listLocks = ({ db }: { db: Sql }): Rpc<jobsV1.ListLocksRequest, jobsV1.ListLocksResponse> =>
  rpc('job.read', async ({ limit: wanted, after, resource }) => {
    const limit = Math.min(Math.max(wanted === 0 ? 100 : wanted, 1), maxPage);
    const rows = await list(db, { after, limit: limit + 1, ...(resource === '' ? {} : { resource }) });
    const page = rows.slice(0, limit);
    const waiters = await listWaiters(
      db,
      page.filter(({ waiting }) => waiting > 0).map((row) => row.resource),
      maxWaiters,
    );
    return {
      locks: page.map((row) => ({
        resource: row.resource,
        jobId: row.job_id,
        kind: row.kind,
        principal: row.principal,
        askedAt: time(row.asked_at),
        heldSince: time(row.held_since),
        waiters: (waiters.get(row.resource) ?? []).map((waiter) => ({
          jobId: waiter.job_id,
          kind: waiter.kind,
          principal: waiter.principal,
          askedAt: time(waiter.asked_at),
        })),
        waiting: row.waiting,
      })),
      nextAfter: rows.length > limit ? (page.at(-1)?.resource ?? '') : '',
    };
  });
