/** Jobs that are started by the clock. */
import { FairleadError } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { JobPrincipal, StepFailure } from '../engine/kind.js';

export interface ScheduleRow {
  schedule_id: string;
  name: string;
  kind: string;
  params: Record<string, unknown>;
  cron: string;
  time_zone: string;
  missed: 'skip' | 'once';
  principal: JobPrincipal;
  reason: string;
  /** null when it has no turn any more. */
  next_at: Date | null;
  paused_at: Date | null;
  last_at: Date | null;
  last_job_id: string | null;
  last_error: StepFailure | null;
  created_at: Date;
}

const columns = `schedule_id, name, kind, params, cron, time_zone, missed, principal, reason, next_at, paused_at, last_at, last_job_id, last_error, created_at`;

/** Makes a schedule; answers undefined when there is one of that name. */
export async function insertSchedule(
  tx: Sql,
  row: Pick<ScheduleRow, 'schedule_id' | 'name' | 'kind' | 'params' | 'cron' | 'time_zone' | 'missed' | 'principal' | 'reason' | 'next_at'>,
): Promise<ScheduleRow | undefined> {
  const [made] = await tx.query<ScheduleRow>(
    `insert into schedule (schedule_id, name, kind, params, cron, time_zone, missed, principal, reason, next_at)
     values ($1, $2, $3, $4::jsonb, $5, $6, $7, $8::jsonb, $9, $10) on conflict (name) do nothing returning ${columns}`,
    [
      row.schedule_id,
      row.name,
      row.kind,
      JSON.stringify(row.params),
      row.cron,
      row.time_zone,
      row.missed,
      JSON.stringify(row.principal),
      row.reason,
      row.next_at,
    ],
  );
  return made;
}

/** Schedules by name: so many, or all of them. */
export async function listSchedules(sql: Sql, limit?: number): Promise<ScheduleRow[]> {
  return sql.query<ScheduleRow>(`select ${columns} from schedule order by name limit $1`, [limit ?? null]);
}

/** A schedule by its id or name, locked until the transaction ends; throws `schedule_not_found`. */
export async function lockSchedule(tx: Sql, idOrName: string): Promise<ScheduleRow> {
  const [row] = await tx.query<ScheduleRow>(`select ${columns} from schedule where schedule_id = $1 or name = $1 for update`, [idOrName]);
  if (row === undefined) throw new FairleadError('schedule_not_found', `There is no schedule ${idOrName}`);
  return row;
}

/** The schedule that has been due for longest, and the time by the database's clock; undefined when none is due. */
export async function findDueSchedule(
  sql: Sql,
  except: readonly string[],
): Promise<(ScheduleRow & { next_at: Date; now: Date }) | undefined> {
  const [row] = await sql.query<ScheduleRow & { next_at: Date; now: Date }>(
    `select ${columns}, now() as now from schedule
     where paused_at is null and next_at <= now() and schedule_id <> all($1) order by next_at limit 1`,
    [except],
  );
  return row;
}

/** What became of a turn. */
export interface TurnTaken {
  scheduleId: string;
  /** When it was due; nothing is written when the schedule has moved on meanwhile. */
  dueAt: Date;
  nextAt: Date | null;
  jobId: string | undefined;
  error: StepFailure | undefined;
}

/** Moves a schedule to its next turn; answers false when another replica has. */
export async function takeTurn(tx: Sql, turn: TurnTaken): Promise<boolean> {
  const rows = await tx.query(
    `update schedule set next_at = $3, last_at = $2, last_job_id = coalesce($4, last_job_id), last_error = $5::jsonb
     where schedule_id = $1 and next_at = $2 and paused_at is null returning schedule_id`,
    [turn.scheduleId, turn.dueAt, turn.nextAt, turn.jobId ?? null, turn.error === undefined ? null : JSON.stringify(turn.error)],
  );
  return rows.length > 0;
}

export async function pauseSchedule(tx: Sql, scheduleId: string): Promise<void> {
  await tx.query(`update schedule set paused_at = now() where schedule_id = $1`, [scheduleId]);
}

/** Turns that were due while it was paused are not made up for. */
export async function resumeSchedule(tx: Sql, scheduleId: string, nextAt: Date | null): Promise<void> {
  await tx.query(`update schedule set paused_at = null, next_at = $2 where schedule_id = $1`, [scheduleId, nextAt]);
}

export async function deleteSchedule(tx: Sql, scheduleId: string): Promise<void> {
  await tx.query(`delete from schedule where schedule_id = $1`, [scheduleId]);
}
