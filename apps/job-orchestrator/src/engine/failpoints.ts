import { FairleadError } from '@fairlead/contracts';
import { failpoint, FailpointError, failpointFolder } from '@fairlead/failpoints';
import type { JobKind } from './kind.js';

/**
 * Around a run of a step: before it is written that it begins; in the run, before and after its work; after its effect,
 * when the run is over; after its outcome was committed.
 */
export const stepPlaces = ['before_attempt', 'in_run', 'end_of_run', 'after_effect', 'after_commit'] as const;
export type StepPlace = (typeof stepPlaces)[number];

interface StepRun {
  readonly index: number;
  readonly direction: 'forward' | 'undo';
}

/** The failpoint `job.<kind>.<step>.<place>`; an undo's step is named `<step>:undo`. */
export function stepFailpointName(kind: Pick<JobKind, 'kind' | 'steps'>, { index, direction }: StepRun, place: StepPlace): string {
  return `job.${kind.kind}.${kind.steps[index]?.name ?? ''}${direction === 'undo' ? ':undo' : ''}.${place}`;
}

/** Passes a step's failpoint. */
export function stepFailpoint(kind: JobKind, run: StepRun, place: StepPlace): Promise<void> {
  return failpoint(stepFailpointName(kind, run, place));
}

/**
 * Does a run's work past the failpoints in it, which act as the step itself would: `fail` throws what a repeat may cure, `refuse`
 * what it does not. `time_out` calls `timeOut`: at `in_run` once the work is under way, at `end_of_run` when it is done and
 * its answer is lost.
 */
export async function workPastFailpoints<T>(
  kind: JobKind,
  run: StepRun,
  { work, timeOut }: { work: () => Promise<T>; timeOut: () => void },
): Promise<T> {
  if (failpointFolder() === undefined) return work();
  const timesOut = await passInRun(kind, run, 'in_run');
  const working = work();
  if (timesOut) timeOut();
  const result = await working;
  if (await passInRun(kind, run, 'end_of_run')) {
    timeOut();
    throw new Error('the answer came too late');
  }
  return result;
}

/** Answers whether the run is to be out of time. */
async function passInRun(kind: JobKind, run: StepRun, place: StepPlace): Promise<boolean> {
  try {
    await stepFailpoint(kind, run, place);
    return false;
  } catch (error) {
    if (!(error instanceof FailpointError)) throw error;
    if (error.action === 'time_out') return true;
    throw error.action === 'refuse' ? new FairleadError('tenant_state', error.message) : error;
  }
}
