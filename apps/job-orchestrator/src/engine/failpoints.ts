import { failpoint } from '@fairlead/failpoints';
import type { JobKind } from './kind.js';

/** Around a run of a step: before it is written that it begins, after its effect, after its outcome was committed. */
export type StepPlace = 'before_attempt' | 'after_effect' | 'after_commit';

/** Passes the failpoint `job.<kind>.<step>.<place>`; an undo's step is named `<step>:undo`. */
export function stepFailpoint(kind: JobKind, run: { index: number; direction: 'forward' | 'undo' }, place: StepPlace): Promise<void> {
  const step = `${kind.steps[run.index]?.name ?? ''}${run.direction === 'undo' ? ':undo' : ''}`;
  return failpoint(`job.${kind.kind}.${step}.${place}`);
}
