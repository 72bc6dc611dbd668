import type { jobsV1 } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { findPlan } from '../store/plans.js';
import { planMessage } from './messages.js';

export const getPlan = ({ db }: { db: Sql }): Rpc<jobsV1.GetPlanRequest, jobsV1.GetPlanResponse> =>
  rpc('job.read', async (request) => ({ plan: planMessage(await findPlan(db, request.plan)) }));
