import { may, scopeOf } from '@fairlead/auth';
import type { jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import type { PlanDependencies } from '../plans.js';
import { tenantOf } from '../schedules.js';
import { listSchedules as list } from '../store/schedules.js';
import { scheduleMessage } from './messages.js';

const maxListed = 1_000;

/** Those of the tenants that the caller may read them of; of the platform too with the permission on it. */
export const listSchedules = (
  deps: Pick<PlanDependencies, 'db' | 'kinds'>,
): Rpc<jobsV1.ListSchedulesRequest, jobsV1.ListSchedulesResponse> =>
  rpc(
    'schedule.read',
    async (_request, { principal }) => {
      // Those of the caller's tenants may stand behind any number of others.
      const rows = await list(deps.db, principal.grants.has('schedule.read') ? maxListed : undefined);
      return {
        schedules: rows
          .filter((row) => may(principal, 'schedule.read', scopeOf(tenantOf(deps, row).tenant_id)))
          .slice(0, maxListed)
          .map(scheduleMessage),
      };
    },
    { anywhere: true },
  );
