import type { JobState } from '../domain/machine.js';
import type { Run } from '../store/transition.js';

/** Adds the time since a step began, by the monotonic clock, to what the database said when the job was read. */
export class StepClock {
  private readonly forward: (number | undefined)[];
  private readonly undo: (number | undefined)[];

  constructor(state: JobState) {
    const now = performance.now();
    this.forward = state.steps.map((step) => (step.runningMs === undefined ? undefined : now - step.runningMs));
    this.undo = state.steps.map((step) => (step.undoRunningMs === undefined ? undefined : now - step.undoRunningMs));
  }

  /** A run begins; the first one starts the clock. */
  begin(index: number, direction: 'forward' | 'undo'): void {
    const clock = direction === 'forward' ? this.forward : this.undo;
    clock[index] ??= performance.now();
  }

  /** How long ago a run's step, or its undo, was first begun. */
  runningMs({ index, direction }: Run): number {
    const begun = (direction === 'forward' ? this.forward : this.undo)[index];
    return begun === undefined ? 0 : performance.now() - begun;
  }

  /** The state with the times as they are now. */
  refresh(state: JobState): JobState {
    const now = performance.now();
    const since = (begun: number | undefined) => (begun === undefined ? undefined : now - begun);
    return {
      ...state,
      steps: state.steps.map((step, index) => ({ ...step, runningMs: since(this.forward[index]), undoRunningMs: since(this.undo[index]) })),
    };
  }
}
