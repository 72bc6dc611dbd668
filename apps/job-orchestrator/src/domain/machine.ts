/**
 * The job's state machine: given where a job stands and what a step's run came to, what is next. Pure; the
 * engine persists each result in one fenced transaction before it acts on it.
 *
 * Invariants (property-tested):
 * - Steps run in order; a step is undone only after every later step that was begun is undone.
 * - Once a point of no return has begun, nothing is undone, unless that step says for certain it did nothing.
 * - A crash changes nothing: the state read back leads to the same next action.
 */
import type { StepStatus, TerminalJobStatus } from '@fairlead/contracts';
import type { RetryPolicy, StepFailure, StepResult, StepRules } from './step.js';

export type { StepRules } from './step.js';

export interface StepState {
  readonly name: string;
  readonly status: StepStatus;
  /** Runs begun, those that a crash cut off included. */
  readonly attempts: number;
  readonly undoAttempts: number;
  /** Runs that failed and were tried again: a crash alone never uses up a retry. */
  readonly failures: number;
  readonly undoFailures: number;
  /** How long ago the step (or its undo) was first begun, in milliseconds; undefined when it was not. */
  readonly runningMs?: number | undefined;
  readonly undoRunningMs?: number | undefined;
}

export interface JobState {
  readonly direction: 'forward' | 'undo';
  /** The step at hand; may be one past either end when all is done. */
  readonly cursor: number;
  readonly steps: readonly StepState[];
  /** Why the job is being undone, and how it ends then. */
  readonly failure?: Failure;
}

export interface Failure extends StepFailure {
  readonly endsAs: 'failed' | 'cancelled';
  /** The first undo that could not be done; the others are done all the same. */
  readonly stuck?: StepFailure & { readonly step: string };
  readonly step?: string;
}

/** What a run came to, thrown errors classified. */
export type Outcome = StepResult | { outcome: 'retry'; error: StepFailure } | { outcome: 'interrupted' };

export interface Conditions {
  readonly cancelRequested: boolean;
  readonly pauseRequested: boolean;
  readonly deadlinePassed: boolean;
}

export type Next =
  | { action: 'run'; index: number }
  | { action: 'undo'; index: number }
  /** Turn around, or pass over a step that has nothing to undo: a new state to go on from. */
  | { action: 'move'; state: JobState }
  /** Nothing begins until an operator lets the job go on. */
  | { action: 'pause' }
  | { action: 'finish'; status: TerminalJobStatus; error?: StepFailure & { step?: string } };

const cancelled: StepFailure = { code: 'job_cancelled', message: 'cancelled by an operator' };

/** What to do next for a job that has no run under way. */
export function nextAction(state: JobState, rules: readonly StepRules[], conditions: Conditions): Next {
  return state.direction === 'forward' ? nextForward(state, rules, conditions) : nextUndo(state, rules, conditions);
}

function nextForward(state: JobState, rules: readonly StepRules[], conditions: Conditions): Next {
  if (state.cursor >= state.steps.length) return { action: 'finish', status: 'succeeded' };
  const stepName = state.steps[state.cursor]?.name;
  const stop = conditions.cancelRequested || conditions.deadlinePassed;
  if (stop && isUndoable(state, rules)) {
    const failure: Failure = conditions.cancelRequested
      ? { ...cancelled, endsAs: 'cancelled', step: stepName }
      : { code: 'deadline_exceeded', message: 'the job passed its deadline', endsAs: 'failed', step: stepName };
    return { action: 'move', state: { ...state, direction: 'undo', failure } };
  }
  // Past the point of no return stopping helps nobody: the steps' own limits decide.
  return conditions.pauseRequested ? { action: 'pause' } : { action: 'run', index: state.cursor };
}

function nextUndo(state: JobState, rules: readonly StepRules[], { pauseRequested }: Conditions): Next {
  const step = state.steps[state.cursor];
  if (step === undefined) {
    const { endsAs = 'failed', stuck, ...error } = state.failure ?? { code: 'internal' as const, message: 'undone' };
    if (stuck !== undefined) return { action: 'finish', status: 'needs_attention', error: stuck };
    return { action: 'finish', status: endsAs, error: endsAs === 'cancelled' ? undefined : error };
  }
  // Undone already, by a job that is tried again.
  if (step.status === 'undone') return { action: 'move', state: moveCursor(state, -1) };
  if (step.attempts === 0 || rules[state.cursor]?.canUndo !== true) {
    const status: StepStatus = step.attempts === 0 ? 'skipped' : step.status === 'succeeded' ? 'succeeded' : 'failed';
    return { action: 'move', state: moveCursor(withStep(state, { status }), -1) };
  }
  return pauseRequested ? { action: 'pause' } : { action: 'undo', index: state.cursor };
}

/** True while everything done so far can be taken back. */
export function isUndoable(state: JobState, rules: readonly StepRules[]): boolean {
  return !state.steps.some((step, index) => rules[index]?.pointOfNoReturn === true && step.attempts > 0);
}

/** What one run of a step came to, as its attempt row and event tell. */
export type StepOutcome = 'succeeded' | 'waiting' | 'retrying' | 'failed' | 'undone' | 'interrupted';

export interface Settled {
  readonly state: JobState;
  /** Wait this long before the next action, or until a signal of that name is there. */
  readonly delayMs: number;
  readonly waitsFor?: string | undefined;
  /** Or until fewer of its jobs are open. */
  readonly openChildren?: number | undefined;
  readonly note?: string | undefined;
  /** Set when the job ends here, without another action. */
  readonly finish?: { status: TerminalJobStatus; error: StepFailure & { step: string } };
  /** What happened to the step, for its event and rows. */
  readonly result: StepOutcome;
  readonly error?: StepFailure;
}

/**
 * The state after the step at the cursor has run, or been undone. `random` in [0, 1) spreads retries.
 * The state given is the one with this attempt counted.
 */
export function settle(state: JobState, rules: readonly StepRules[], outcome: Outcome, random: number): Settled {
  const step = state.steps[state.cursor];
  const rule = rules[state.cursor];
  if (step === undefined || rule === undefined) throw new Error('no step at the cursor');
  return state.direction === 'forward'
    ? settleForward(state, step, rule, rules, outcome, random)
    : settleUndo(state, step, rule, outcome, random);
}

function settleForward(
  state: JobState,
  step: StepState,
  rule: StepRules,
  rules: readonly StepRules[],
  outcome: Outcome,
  random: number,
): Settled {
  const late = (step.runningMs ?? 0) >= rule.timeoutMs;
  switch (outcome.outcome) {
    case 'done':
      return { state: moveCursor(withStep(state, { status: 'succeeded' }), 1), delayMs: 0, result: 'succeeded' };
    case 'interrupted':
      return { state: withStep(state, { status: 'waiting' }), delayMs: 0, result: 'interrupted' };
    case 'wait':
      if (!late) return { state: withStep(state, { status: 'waiting' }), ...restOf(outcome), result: 'waiting' };
      return giveUp(state, step, rules, timedOut(step, rule.timeoutMs, outcome.note), false);
    case 'retry':
      if (!late && step.failures + 1 < rule.retry.maxAttempts) {
        const failures = step.failures + 1;
        return {
          state: withStep(state, { status: 'waiting', failures }),
          delayMs: backoffMs(rule.retry, failures, random),
          result: 'retrying',
          error: outcome.error,
        };
      }
      return giveUp(state, step, rules, outcome.error, false);
    case 'failed':
      return giveUp(state, step, rules, outcome.error, true);
  }
}

/** Ends the forward way: turns around where that is safe, else asks for a person. `certain`: the step did nothing. */
function giveUp(state: JobState, step: StepState, rules: readonly StepRules[], error: StepFailure, certain: boolean): Settled {
  const before = {
    ...state,
    steps: state.steps.map((s, i) => (i === state.cursor && certain && rules[i]?.pointOfNoReturn === true ? { ...s, attempts: 0 } : s)),
  };
  const failed = withStep(state, { status: 'failed' });
  if (isUndoable(before, rules)) {
    return {
      state: { ...failed, direction: 'undo', failure: { ...error, endsAs: 'failed', step: step.name } },
      delayMs: 0,
      result: 'failed',
      error,
    };
  }
  return {
    state: failed,
    delayMs: 0,
    result: 'failed',
    error,
    finish: { status: 'needs_attention', error: { ...error, step: step.name } },
  };
}

function settleUndo(state: JobState, step: StepState, rule: StepRules, outcome: Outcome, random: number): Settled {
  const late = (step.undoRunningMs ?? 0) >= rule.undoTimeoutMs;
  switch (outcome.outcome) {
    case 'done':
      return { state: moveCursor(withStep(state, { status: 'undone' }), -1), delayMs: 0, result: 'undone' };
    case 'interrupted':
      return { state, delayMs: 0, result: 'interrupted' };
    case 'wait':
      if (!late) return { state, ...restOf(outcome), result: 'waiting' };
      return stuckUndo(state, step, timedOut(step, rule.undoTimeoutMs, outcome.note));
    case 'retry':
      if (!late) {
        const undoFailures = step.undoFailures + 1;
        return {
          state: withStep(state, { undoFailures }),
          delayMs: backoffMs(rule.retry, undoFailures, random),
          result: 'retrying',
          error: outcome.error,
        };
      }
      return stuckUndo(state, step, outcome.error);
    case 'failed':
      return stuckUndo(state, step, outcome.error);
  }
}

/** An undo that can't be done is written down, and the earlier steps are undone all the same: a dead target must not keep the origin sealed. */
function stuckUndo(state: JobState, step: StepState, error: StepFailure): Settled {
  const told = { code: error.code, message: `undo of step ${step.name} failed: ${error.message}`, step: step.name };
  const failure: Failure = { ...(state.failure ?? { ...error, endsAs: 'failed' }), stuck: state.failure?.stuck ?? told };
  return { state: moveCursor({ ...withStep(state, { status: 'failed' }), failure }, -1), delayMs: 0, result: 'failed', error };
}

/**
 * A job that asked for a person, made ready to go on: from the step that failed, or from the last undo that could not be
 * done. Limits and retries of what failed begin anew; what was done or undone stays so.
 */
export function tryAgain(state: JobState): JobState {
  if (state.direction === 'forward') return withStep(state, { status: 'waiting', failures: 0, runningMs: undefined });
  const isStuck = (step: StepState) => step.status === 'failed' && step.undoAttempts > 0;
  const { stuck: _stuck, ...failure } = state.failure ?? { code: 'internal' as const, message: 'undone', endsAs: 'failed' as const };
  return {
    ...state,
    failure,
    cursor: state.steps.findLastIndex(isStuck),
    steps: state.steps.map((step) =>
      isStuck(step) ? { ...step, status: 'undoing' as const, undoFailures: 0, undoRunningMs: undefined } : step,
    ),
  };
}

/** Exponential backoff with jitter: between half and all of base · 2^(attempt − 1), at most the maximum. */
export function backoffMs(policy: RetryPolicy, attempt: number, random: number): number {
  const full = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full * (0.5 + random / 2));
}

function restOf({
  delayMs,
  note,
  signal,
  openChildren,
}: Outcome & { outcome: 'wait' }): Pick<Settled, 'delayMs' | 'note' | 'waitsFor' | 'openChildren'> {
  return { delayMs, note, waitsFor: signal, openChildren };
}

function timedOut(step: StepState, timeoutMs: number, note: string | undefined): StepFailure {
  return {
    code: 'step_timeout',
    message: `step ${step.name} was not done within ${String(timeoutMs)} ms${note === undefined ? '' : `: ${note}`}`,
  };
}

function withStep(state: JobState, change: Partial<StepState>): JobState {
  return { ...state, steps: state.steps.map((step, index) => (index === state.cursor ? { ...step, ...change } : step)) };
}

function moveCursor(state: JobState, by: 1 | -1): JobState {
  return { ...state, cursor: state.cursor + by };
}
