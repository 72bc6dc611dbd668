import { FairleadError, type jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import type { PlanDependencies } from '../plans.js';
import { createSchedule as create } from '../schedules.js';
import { scheduleMessage } from './messages.js';

export const createSchedule = (deps: PlanDependencies): Rpc<jobsV1.CreateScheduleRequest, jobsV1.CreateScheduleResponse> =>
  rpc('schedule.manage', async (request, call) => {
    const { timeZone, missed } = request;
    const asked = { ...request, params: request.params ?? {}, timeZone: timeZone === '' ? 'UTC' : timeZone, missed: missedOf(missed) };
    return { schedule: scheduleMessage(await create(deps, asked, call)) };
  });

function missedOf(value: string): 'skip' | 'once' {
  if (value === '' || value === 'once') return 'once';
  if (value === 'skip') return 'skip';
  throw new FairleadError('invalid_argument', 'missed: skip or once');
}
