import type { Sql } from '@fairlead/postgres';

export interface ApprovalRow {
  plan_id: string;
  approved_by: string;
  reason: string;
  approved_at: Date;
}

/** A plan's approval, if it has one. */
export async function findApproval(sql: Sql, planId: string): Promise<ApprovalRow | undefined> {
  const [row] = await sql.query<ApprovalRow>(`select plan_id, approved_by, reason, approved_at from plan_approval where plan_id = $1`, [
    planId,
  ]);
  return row;
}

/** Writes an approval down; answers false when the plan has one already, which stays. */
export async function insertApproval(tx: Sql, approval: { planId: string; approvedBy: string; reason: string }): Promise<boolean> {
  const rows = await tx.query(
    `insert into plan_approval (plan_id, approved_by, reason) values ($1, $2, $3) on conflict do nothing returning plan_id`,
    [approval.planId, approval.approvedBy, approval.reason],
  );
  return rows.length > 0;
}
