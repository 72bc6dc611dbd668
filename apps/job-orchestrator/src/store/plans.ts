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

/** A plan to be stored; it is never changed afterwards. */
export type NewPlan = Omit<PlanRow, 'created_at' | 'expires_at' | 'expired'> & {
  ttlMs: number;
  /** Its maker's; left out by who plans without one. */
  idempotency_key?: string | undefined;
  payload_hash?: string | undefined;
};

/** A plan that was made by a key before, and the hash of what was asked then. */
export interface KeyedPlan {
  readonly row: PlanRow;
  readonly asked: string;
}

/** The plan that somebody made by a key, if there is one. */
export async function findPlanByKey(sql: Sql, createdBy: string, key: string): Promise<KeyedPlan | undefined> {
  const [found] = await sql.query<PlanRow & { asked: string }>(
    `select ${columns}, payload_hash as asked from plan where created_by = $1 and idempotency_key = $2`,
    [createdBy, key],
  );
  if (found === undefined) return undefined;
  const { asked, ...row } = found;
  return { row, asked };
}

/** A plan by its id or, the newest of them, by its digest; throws `plan_not_found`. */
export async function findPlan(sql: Sql, idOrDigest: string): Promise<PlanRow> {
  const [row] = await findPlansByIdOrDigest(sql, [idOrDigest]);
  if (row === undefined) throw planNotFound(idOrDigest);
  return row;
}

/** The same of several; undefined for what there is not. */
export async function findPlansByIdOrDigest(sql: Sql, asked: readonly string[]): Promise<(PlanRow | undefined)[]> {
  const rows = await sql.query<PlanRow & { n: number }>(
    `select a.n, p.* from unnest($1::text[]) with ordinality a(asked, n), lateral (
       select ${columns} from plan where plan_id = a.asked or digest = a.asked order by created_at desc limit 1) p`,
    [asked],
    'find_plans',
  );
  const found = new Map(rows.map(({ n, ...row }) => [n, row]));
  return asked.map((_, n) => found.get(n + 1));
}

export function planNotFound(idOrDigest: string): FairleadError {
  return new FairleadError('plan_not_found', `There is no plan ${idOrDigest}`);
}

/** Plans by id. */
export async function findPlans(sql: Sql, planIds: readonly string[]): Promise<Map<string, PlanRow>> {
  const rows = await sql.query<PlanRow>(`select ${columns} from plan where plan_id = any($1)`, [planIds]);
  return new Map(rows.map((row) => [row.plan_id, row]));
}
