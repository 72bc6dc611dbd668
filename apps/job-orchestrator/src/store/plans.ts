import { FairleadError } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { PlanDraft } from '../engine/kind.js';

export interface PlanBody extends PlanDraft {
  params: Record<string, unknown>;
}

export interface PlanRow {
  plan_id: string;
  kind: string;
  version: number;
  digest: string;
  canonical: string;
  body: PlanBody;
  reason: string;
  created_by: string;
  created_at: Date;
  expires_at: Date;
  expired: boolean;
  request_id: string;
  correlation_id: string;
  trace_id: string;
}

const columns = `plan_id, kind, version, digest, canonical, body, reason, created_by, created_at, expires_at, expires_at < now() as expired,
  request_id, correlation_id, trace_id`;

export type NewPlan = Omit<PlanRow, 'created_at' | 'expires_at' | 'expired'> & { ttlMs: number };

/** Stores plans, and answers them in their order; they are never changed afterwards. */
export async function insertPlans(tx: Sql, plans: readonly NewPlan[]): Promise<PlanRow[]> {
  const rows = await tx.query<PlanRow>(
    `insert into plan (plan_id, kind, version, digest, canonical, body, reason, created_by, expires_at, request_id, correlation_id, trace_id)
     select plan_id, kind, version, digest, canonical, body, reason, created_by, now() + make_interval(secs => "ttlMs" / 1000), request_id, correlation_id, trace_id
       from jsonb_to_recordset($1::jsonb) p(plan_id text, kind text, version int, digest text, canonical text, body jsonb, reason text, created_by text,
         "ttlMs" float8, request_id text, correlation_id text, trace_id text)
     returning ${columns}`,
    [JSON.stringify(plans)],
    'insert_plans',
  );
  const stored = new Map(rows.map((row) => [row.plan_id, row]));
  return plans.map((plan) => stored.get(plan.plan_id) ?? missing());
}

function missing(): never {
  throw new Error('an inserted plan is answered');
}

/** A plan by its id or, the newest of them, by its digest; throws `plan_not_found`. */
export async function findPlan(sql: Sql, idOrDigest: string): Promise<PlanRow> {
  const [row] = await sql.query<PlanRow>(
    `select ${columns} from plan where plan_id = $1 or digest = $1 order by created_at desc limit 1`,
    [idOrDigest],
    'find_plan',
  );
  if (row === undefined) throw new FairleadError('plan_not_found', `There is no plan ${idOrDigest}`);
  return row;
}

/** Plans by id. */
export async function findPlans(sql: Sql, planIds: readonly string[]): Promise<Map<string, PlanRow>> {
  const rows = await sql.query<PlanRow>(`select ${columns} from plan where plan_id = any($1)`, [planIds]);
  return new Map(rows.map((row) => [row.plan_id, row]));
}

/** What a job's plan says it does. */
export async function loadPlanDraft(sql: Sql, planId: string): Promise<PlanDraft> {
  return (await findPlan(sql, planId)).body;
}
