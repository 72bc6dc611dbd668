import type { jobsV1 } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { listSchedules as list } from '../store/schedules.js';
import { scheduleMessage } from './messages.js';

export const listSchedules = ({ db }: { db: Sql }): Rpc<jobsV1.ListSchedulesRequest, jobsV1.ListSchedulesResponse> =>
  rpc('schedule.read', async () => ({ schedules: (await list(db)).map(scheduleMessage) }));
