import { FairleadError, type jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import type { PlanDependencies } from '../plans.js';
import { pause, remove, resume } from '../schedules.js';

const changes = { pause, resume, delete: remove };

export const changeSchedule = (deps: PlanDependencies): Rpc<jobsV1.ChangeScheduleRequest, jobsV1.ChangeScheduleResponse> =>
  rpc(
    'schedule.manage',
    async ({ change, schedule, reason }, call) => {
      if (!isChange(change)) throw new FairleadError('invalid_argument', `change: one of ${Object.keys(changes).join(', ')}`);
      await changes[change](deps, { schedule, reason, asked: 'schedule.manage' }, call);
      return {};
    },
    { anywhere: true },
  );

function isChange(value: string): value is keyof typeof changes {
  return Object.hasOwn(changes, value);
}
