import { FairleadError, jobStatuses, type jobsV1 } from '@fairlead/contracts';
import { requirePermission, tenantsWith } from '@fairlead/auth';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { listJobs as list } from '../store/jobs.js';
import { findPlans } from '../store/plans.js';
import { jobMessage } from './messages.js';

const maxPage = 500;

export const listJobs = ({ db }: { db: Sql }): Rpc<jobsV1.ListJobsRequest, jobsV1.ListJobsResponse> =>
  rpc(
    'job.read',
    async (request, { principal }) => {
      if (request.status !== '' && !(jobStatuses as readonly string[]).includes(request.status)) {
        throw new FairleadError('invalid_argument', `status: one of ${jobStatuses.join(', ')}`);
      }
      const limit = Math.min(Math.max(request.limit === 0 ? 50 : request.limit, 1), maxPage);
      if (request.tenantId !== '') requirePermission(principal, 'job.read', { tenant: request.tenantId });
      const given = (value: string) => (value === '' ? undefined : value);
      const rows = await list(db, {
        status: given(request.status),
        kind: given(request.kind),
        tenantId: given(request.tenantId),
        tenants: request.tenantId === '' ? tenantsWith(principal, 'job.read') : undefined,
        correlationId: given(request.correlationId),
        parentId: given(request.parentId),
        paused: request.paused,
        before: given(request.before),
        limit: limit + 1,
      });
      const page = rows.slice(0, limit);
      const plans = await findPlans(
        db,
        page.map(({ job }) => job.plan_id),
      );
      return {
        jobs: page.map(({ job, steps }) => jobMessage(job, steps, plans.get(job.plan_id), undefined)),
        nextBefore: rows.length > limit ? (page.at(-1)?.job.job_id ?? '') : '',
      };
    },
    { anywhere: true },
  );
