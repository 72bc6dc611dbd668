/** What may happen to a job of any kind: each step, and each undo, is disturbed once in each way. Made from the kind alone. */
import type { FailpointAction } from '@fairlead/failpoints';
import { stepFailpointName, type StepPlace } from '../../../../apps/job-orchestrator/src/engine/failpoints.js';
import type { JobKind } from '../../../../apps/job-orchestrator/src/engine/kind.js';

/** A disturbance of one run of a step or undo, named for what the engine meets. */
export interface Disturbance {
  readonly sort: string;
  /** Those of a group test the same promise; the short form takes one of each. */
  readonly group: 'throws' | 'is timed out' | 'refuses' | 'is killed early' | 'is killed late' | 'is repeated';
  readonly place: StepPlace;
  readonly action: FailpointAction;
}

const disturbances: readonly Disturbance[] = [
  { sort: 'throws before its work', group: 'throws', place: 'in_run', action: 'fail' },
  { sort: 'throws after its work', group: 'throws', place: 'end_of_run', action: 'fail' },
  { sort: 'is timed out at its work', group: 'is timed out', place: 'in_run', action: 'time_out' },
  { sort: 'is timed out after its work', group: 'is timed out', place: 'end_of_run', action: 'time_out' },
  { sort: 'refuses before its work', group: 'refuses', place: 'in_run', action: 'refuse' },
  { sort: 'refuses after its work', group: 'refuses', place: 'end_of_run', action: 'refuse' },
  { sort: 'is killed before it begins', group: 'is killed early', place: 'before_attempt', action: 'kill' },
  { sort: 'is killed between effect and commit', group: 'is killed late', place: 'after_effect', action: 'kill' },
  { sort: 'is repeated, its outcome lost', group: 'is repeated', place: 'after_effect', action: 'fail' },
  { sort: "is read again, its commit's answer lost", group: 'is repeated', place: 'after_commit', action: 'fail' },
];

/** One case: a kind, and what happens to one of its steps; without a disturbance, nothing does. */
export interface Case {
  readonly kind: JobKind;
  readonly index: number;
  readonly direction: 'forward' | 'undo';
  readonly disturbance?: Disturbance;
  /** How the job ends, by what the kind says of its steps: `asks` goes on to success once an operator has it tried again. */
  readonly ends: 'succeeds' | 'is undone' | 'asks, then succeeds' | 'asks, then is undone';
}

/** The kind left alone. */
export function undisturbed(kind: JobKind): Case {
  return { kind, index: 0, direction: 'forward', ends: 'succeeds' };
}

/** Every case of a kind. */
export function casesOf(kind: JobKind): Case[] {
  return kind.steps.flatMap((step, index) => [
    ...disturbances.flatMap((disturbance) => forwardCase(kind, index, disturbance)),
    ...(typeof step.undo === 'function' ? disturbances.map((disturbance) => undoCase(kind, index, disturbance)) : []),
  ]);
}

function forwardCase(kind: JobKind, index: number, disturbance: Disturbance): Case[] {
  const made = { kind, index, direction: 'forward' as const, disturbance };
  if (disturbance.action !== 'refuse') return [{ ...made, ends: 'succeeds' }];
  if (isPast(kind, index)) return [{ ...made, ends: 'asks, then succeeds' }];
  // To refuse is to say for certain that nothing was done: where that decides, a step that has worked may not say so.
  if (kind.steps[index]?.pointOfNoReturn === true && disturbance.place === 'end_of_run') return [];
  return [{ ...made, ends: 'is undone' }];
}

function undoCase(kind: JobKind, index: number, disturbance: Disturbance): Case {
  const ends = disturbance.action === 'refuse' ? 'asks, then is undone' : 'is undone';
  return { kind, index, direction: 'undo', disturbance, ends };
}

/** A few of the cases, in their order: each kind, and each group of disturbances of steps and of undos, once at least. */
export function coveringCases(cases: readonly Case[]): Case[] {
  const covered = new Set<string>();
  return cases.filter(({ kind, direction, disturbance }) => {
    const marks = [kind.kind, `${direction} ${disturbance?.group ?? ''}`];
    const adds = marks.some((mark) => !covered.has(mark));
    for (const mark of marks) covered.add(mark);
    return adds;
  });
}

/** Whether a step comes after the point of no return. */
function isPast(kind: JobKind, index: number): boolean {
  return kind.steps.some((step, at) => at < index && step.pointOfNoReturn === true);
}

/** Where the disturbance is. */
export function pointOf({ kind, index, direction, disturbance }: Case): string {
  return stepFailpointName(kind, { index, direction }, disturbance?.place ?? 'before_attempt');
}

/**
 * How a job comes to undo its step: it is cancelled where the next step is about to begin. The last step refuses instead, when its
 * work is done; where its undo is killed before that is written to begin, so that the refusal dies with it, the job is cancelled
 * while the step is under way.
 */
export function turningPoint({ kind, index, disturbance }: Case): { at: string; action: 'pause' | 'refuse' } {
  const at = (step: number, place: StepPlace) => stepFailpointName(kind, { index: step, direction: 'forward' }, place);
  if (index < kind.steps.length - 1) return { at: at(index + 1, 'before_attempt'), action: 'pause' };
  if (disturbance?.place === 'before_attempt') return { at: at(index, 'in_run'), action: 'pause' };
  return { at: at(index, 'end_of_run'), action: 'refuse' };
}

/** Whether a job that is undone leaves work: of a step of these names, which had done it and has no undo. */
export function leavesWork({ kind, index, disturbance }: Case, stays: readonly string[]): boolean {
  return kind.steps.some(({ name }, at) => stays.includes(name) && (at < index || (at === index && disturbance?.place === 'end_of_run')));
}

/** The statuses in which the job ends, one after the other. */
export function statusesOf(given: Case): string[] {
  const asked = given.ends.startsWith('asks') ? ['needs_attention'] : [];
  if (given.ends.endsWith('succeeds')) return [...asked, 'succeeded'];
  return [...asked, given.direction === 'undo' && turningPoint(given).action === 'pause' ? 'cancelled' : 'failed'];
}

/** The case in words. */
export function caseText({ kind, index, direction, disturbance }: Case): string {
  const step = kind.steps[index]?.name ?? '';
  if (disturbance === undefined) return `${kind.kind}, undisturbed`;
  return `${kind.kind}: ${direction === 'undo' ? 'the undo of ' : ''}${step} ${disturbance.sort}`;
}
