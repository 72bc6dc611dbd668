import type { JobStatus } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { JobState, StepState } from '../domain/machine.js';
import type { StepFailure } from '../engine/kind.js';

/** One run of a step, or of its undo. */
export interface Run {
  readonly index: number;
  readonly direction: 'forward' | 'undo';
  readonly number: number;
}

export interface EndedRun extends Run {
  readonly error?: StepFailure | undefined;
  readonly output?: Record<string, unknown> | undefined;
}

/** How long a job rests before its next action, and what may end that sooner. */
export interface Rest {
  readonly ms: number;
  readonly waitsFor?: string | undefined;
  /** How many of its jobs it takes to be open: it rests not at all when there are fewer. */
  readonly openChildren?: number | undefined;
  readonly note?: string | undefined;
}

/** What is written of a job at once. */
export interface Transition {
  readonly jobId: string;
  /** The claim: whose, and its fence. */
  readonly owner: string;
  readonly fence: number;
  readonly status: JobStatus;
  readonly state: JobState;
  /** The steps as they were written last; only those that have changed are written. */
  readonly written: readonly StepState[];
  readonly error?: (StepFailure & { step?: string | undefined; attempt?: number }) | undefined;
  /** The run that has just ended. */
  readonly ended?: EndedRun | undefined;
  /** The run that is about to begin. */
  readonly begins?: Run | undefined;
  /** Whether a run that begins here is not to begin once the job is to be cancelled. */
  readonly heedsCancel: boolean;
  /** Begins a point of no return for the first time. */
  readonly passes: boolean;
  /** Whether anything changes beside the steps. */
  readonly touches: boolean;
  readonly rest?: Rest | undefined;
  /** Gives the job up: it has ended, or rests longer than it is worth keeping. */
  readonly release: boolean;
  readonly pauses: boolean;
  readonly finished: boolean;
}

/** What a transition came to. */
export interface Answer {
  /** False when it begins a run that must not begin, since something else is asked of the job; then nothing was written. */
  readonly written: boolean;
  readonly cancelRequested: boolean;
  readonly pauseRequested: boolean;
  readonly deadlinePassed: boolean;
  /** The claim's fence from here on: a higher one once the job is being undone. */
  readonly fence: number;
  readonly parentId: string | undefined;
}

export interface Writings {
  answers: (Answer | undefined)[];
  /** Jobs that can be claimed now, and could not before. */
  freed: number;
}

/** One row of what the function answers. */
export interface TransitionRow {
  /** Of the transition, from 1 on; 0 for the jobs that are free now. */
  n: number;
  written: boolean;
  cancel_requested: boolean;
  pause_requested: boolean;
  deadline_passed: boolean;
  /** null when the claim is over. */
  fence: number | null;
  parent_id: string | null;
  freed: number;
}

/**
 * Writes transitions of several jobs in one call; of each what it came to, undefined when its claim is over. `freed` counts jobs that can be claimed now, because
 * one that has ended had a resource that they wait for. Run it in a transaction, with the append last.
 */
export async function writeTransitions(tx: Sql, transitions: readonly Transition[]): Promise<Writings> {
  const rows = await tx.query<TransitionRow>(
    'select * from write_transitions($1::jsonb)',
    [JSON.stringify(transitions.map(encodeTransition))],
    'write_transitions',
  );
  return writtenOf(transitions, rows, () => undefined);
}

/** What came of transitions by what the function answers, and of one that it answers nothing of. */
export function writtenOf(
  transitions: readonly Transition[],
  rows: readonly TransitionRow[],
  untold: (transition: Transition) => Answer | undefined,
): Writings {
  const found = new Map(rows.map((row) => [row.n, row]));
  return {
    answers: transitions.map((transition, index) => {
      const row = found.get(index + 1);
      return row === undefined ? untold(transition) : answerOf(row);
    }),
    freed: found.get(0)?.freed ?? 0,
  };
}

/** Of one that was written, with nothing asked of its job. */
export function writtenAsGiven({ fence }: Transition): Answer {
  return { written: true, cancelRequested: false, pauseRequested: false, deadlinePassed: false, fence, parentId: undefined };
}

function answerOf(row: TransitionRow): Answer | undefined {
  if (row.fence === null) return undefined;
  return {
    written: row.written,
    cancelRequested: row.cancel_requested,
    pauseRequested: row.pause_requested,
    deadlinePassed: row.deadline_passed,
    fence: row.fence,
    parentId: row.parent_id ?? undefined,
  };
}

/** A transition as the functions take it. `brief` tells `write_beat` to answer nothing of one that {@link writtenAsGiven} answers. */
export function encodeTransition(transition: Transition): Record<string, unknown> {
  const { state, rest, ended, begins } = transition;
  const steps = state.steps.flatMap((step, index) => {
    const endsHere = ended?.index === index;
    const beginsHere = begins?.index === index;
    if (!endsHere && !beginsHere && isSame(step, transition.written[index])) return [];
    return {
      index,
      status: step.status,
      attempts: step.attempts,
      undo_attempts: step.undoAttempts,
      failures: step.failures,
      undo_failures: step.undoFailures,
      ...(beginsHere ? { begins: begins.direction } : {}),
      ended: endsHere,
      ...(endsHere && ended.error !== undefined ? { error: { ...ended.error, attempt: ended.number } } : {}),
      ...(endsHere && ended.output !== undefined ? { output: ended.output } : {}),
    };
  });
  return {
    job_id: transition.jobId,
    owner: transition.owner,
    fence: transition.fence,
    status: transition.status,
    direction: state.direction,
    cursor: state.cursor,
    failure: state.failure,
    error: transition.error,
    rest_ms: rest?.ms,
    waits_for: rest?.waitsFor,
    open_children: rest?.openChildren,
    note: rest?.note,
    release: transition.release,
    pauses: transition.pauses,
    finished: transition.finished,
    begins: begins !== undefined,
    heeds_cancel: transition.heedsCancel,
    passes: transition.passes,
    touches: transition.touches,
    steps,
    brief: true,
  };
}

function isSame(step: StepState, before: StepState | undefined): boolean {
  return (
    step.status === before?.status &&
    step.attempts === before.attempts &&
    step.undoAttempts === before.undoAttempts &&
    step.failures === before.failures &&
    step.undoFailures === before.undoFailures
  );
}
