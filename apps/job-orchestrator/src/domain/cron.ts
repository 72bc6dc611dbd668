/** Times by a cron expression of five parts, in a time zone. */
import { Cron } from 'croner';
import { FairleadError } from '@fairlead/contracts';

export interface CronRule {
  readonly cron: string;
  /** IANA name, such as `Europe/Berlin` or `UTC`. */
  readonly timeZone: string;
}

/** Throws `invalid_argument` for an expression that is none, has no turn ever, or a time zone that is unknown. */
export function checkCron(rule: CronRule, now: Date): void {
  let next: Date | null;
  try {
    next = nextTurn(rule, now);
  } catch (error) {
    throw new FairleadError('invalid_argument', `cron: ${error instanceof Error ? error.message : 'not a cron expression'}`, {
      cause: error,
      details: { fields: [{ field: 'cron', message: 'not a cron expression of five parts, or an unknown time zone' }] },
    });
  }
  if (next === null) throw new FairleadError('invalid_argument', 'cron: that time never comes');
}

/** The first turn after a time; null when there is none. A turn that the change to summer time leaves out comes right after it. */
export function nextTurn({ cron, timeZone }: CronRule, after: Date): Date | null {
  return new Cron(cron, { timezone: timeZone, mode: '5-part', paused: true }).nextRun(after);
}

/** How many turns there are after one time, up to another; counts to 1,000. */
export function turnsBetween(rule: CronRule, after: Date, until: Date): number {
  let count = 0;
  for (let turn = nextTurn(rule, after); turn !== null && turn <= until && count < 1_000; turn = nextTurn(rule, turn)) count += 1;
  return count;
}
