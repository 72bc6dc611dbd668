/** What a process has to write of plans and jobs at one time, as one statement. */
import { appendFailure, appendWithin, type AppendAnswer, type Appended, type PreparedCommand } from '@fairlead/event-log';
import { sqlState, type Sql } from '@fairlead/postgres';
import { withTimes } from './archive.js';
import { claimOf, type Claim, type ClaimRequest, type ClaimRow } from './claim.js';
import type { Inserted, NewJob } from './insert.js';
import { jobTimes } from './rows.js';
import type { NewPlan, PlanRow } from './plans.js';
import { encodeTransition, writtenAsGiven, writtenOf, type Transition, type TransitionRow, type Writings } from './transition.js';

export interface Beat {
  readonly plans: readonly NewPlan[];
  readonly starts: readonly NewJob[];
  readonly transitions: readonly Transition[];
  readonly claims: readonly ClaimRequest[];
  /** What the log is told, in this order. */
  readonly commands: readonly PreparedCommand[];
}

/** What came of it, each in the order that was given. */
export interface WrittenBeat extends Writings {
  readonly plans: readonly PlanRow[];
  readonly starts: readonly Inserted[];
  readonly claims: readonly Claim[][];
  readonly appended: readonly Appended[];
}

interface BeatRow extends AppendAnswer {
  made: { plan_id: string; created_at: string; expires_at: string }[] | null;
  started: Inserted[] | null;
  written: TransitionRow[] | null;
  claimed: (Omit<ClaimRow, 'job'> & { n: number; job: Record<string, unknown> })[] | null;
}

/** Raised by our functions when something of what they were given is not to be written; nothing has happened then. */
const refused = 'FL001';

const parameters = Array.from({ length: 13 }, (_, n) => `$${String(n + 1)}`).join(', ');

/** Of a beat that was not written: the plans and jobs that were not to be made, or the transitions that were not to be written, by their places. */
export interface Refusal {
  readonly refused: { readonly plans?: readonly number[]; readonly starts?: readonly number[]; readonly transitions?: readonly number[] };
}

/** Writes all of it, or nothing, and answers some that were refused. */
export async function writeBeat(sql: Sql, beat: Beat): Promise<WrittenBeat | Refusal> {
  const { params, appended } = appendWithin(beat.commands);
  const parts = [beat.plans, beat.starts, beat.transitions.map(encodeTransition), beat.claims];
  try {
    const [row] = await sql.query<BeatRow>(
      `select made, started, written, claimed, first_position, outcomes from write_beat(${parameters})`,
      [...parts.map((part) => (part.length === 0 ? null : JSON.stringify(part))), ...params],
      'write_beat',
    );
    if (row === undefined) throw new Error('a function answers one row');
    return {
      ...writtenOf(beat.transitions, row.written ?? [], writtenAsGiven),
      plans: plansOf(beat.plans, row),
      starts: row.started ?? [],
      claims: beat.claims.map((_, index) =>
        (row.claimed ?? [])
          .filter(({ n }) => n === index + 1)
          .map((claimed) => claimOf({ ...claimed, job: withTimes(claimed.job, jobTimes) as never })),
      ),
      appended: beat.commands.length === 0 ? [] : appended(row),
    };
  } catch (error) {
    if (sqlState(error) === refused) return { refused: placesOf(error as { detail?: string }) };
    throw beat.commands.length === 0 ? error : appendFailure(error);
  }
}

/** The function counts from 1 on. */
function placesOf({ detail = '{}' }: { detail?: string }): Refusal['refused'] {
  const numbers = JSON.parse(detail) as Record<string, number[]>;
  return Object.fromEntries(Object.entries(numbers).map(([part, list]) => [part, list.map((n) => n - 1)]));
}

function plansOf(plans: readonly NewPlan[], { made }: BeatRow): PlanRow[] {
  const found = new Map(made?.map((row) => [row.plan_id, row]));
  return plans.map(({ ttlMs: _ttlMs, idempotency_key: _key, payload_hash: _hash, ...plan }) => {
    const row = found.get(plan.plan_id);
    if (row === undefined) throw new Error('an inserted plan is answered');
    return { ...plan, created_at: new Date(row.created_at), expires_at: new Date(row.expires_at), expired: false };
  });
}
