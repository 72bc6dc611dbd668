import { FairleadError, type jobsV1 } from '@fairlead/contracts';
import { answeringOnce, keyedCall, type Idempotency } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import type { PlanDependencies } from '../plans.js';
import { createSchedule as create } from '../schedules.js';
import type { ScheduleRow } from '../store/schedules.js';
import { scheduleMessage } from './messages.js';

export const createSchedule = (
  deps: PlanDependencies & { idempotency: Idempotency },
): Rpc<jobsV1.CreateScheduleRequest, jobsV1.CreateScheduleResponse> =>
  rpc(
    'schedule.manage',
    async (request, call) => {
      const { timeZone, missed } = request;
      const asked = {
        ...request,
        params: request.params ?? {},
        timeZone: timeZone === '' ? 'UTC' : timeZone,
        missed: missedOf(missed),
        asked: 'schedule.manage' as const,
      };
      const keyed = keyedCall('createSchedule', request, call.principal.id);
      const answering = answeringOnce(deps, keyed, ({ row, position }: { row: ScheduleRow; position: number }) => ({
        ...{ schedule: scheduleMessage(row), position },
      }));
      const { schedule, position } = await create(deps, asked, call, answering);
      deps.onAppended(position);
      return { schedule };
    },
    { anywhere: true },
  );

function missedOf(value: string): 'skip' | 'once' {
  if (value === '' || value === 'once') return 'once';
  if (value === 'skip') return 'skip';
  throw new FairleadError('invalid_argument', 'missed: skip or once');
}
