/**
 * All that a process writes of plans and jobs while it works goes through here: what is asked for at the same time travels in one
 * statement, with its events, so that the log's head is held and the disk flushed once for all of it.
 */
import { appendPrepared, type Appended, type PreparedCommand } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { writeBeat, type Beat } from '../store/beat.js';
import type { Claim, ClaimRequest } from '../store/claim.js';
import { insertJobs, type Inserted, type NewJob } from '../store/insert.js';
import { findPlanByKey, type KeyedPlan, type NewPlan, type PlanRow } from '../store/plans.js';
import { writeTransitions, type Answer, type Transition } from '../store/transition.js';
import { Apart, Batcher } from './batcher.js';

/** A transition with what the log is told of it. */
export interface Write {
  readonly transition: Transition;
  readonly commands: readonly PreparedCommand[];
}

export interface WrittenTransition {
  /** undefined when the claim is over. */
  readonly answer: Answer | undefined;
  /** Of its last event; undefined when it has none. */
  readonly position: number | undefined;
  /** How many jobs can be claimed now and could not before: of all that was written with it, told once. */
  readonly freed: number;
  /** With how many transitions it was written, itself included; told once, undefined with the others. */
  readonly together: number | undefined;
}

/** A plan with the position of its event, or the one that its key was used for. */
export type StoredPlan = { readonly row: PlanRow; readonly position: number } | KeyedPlan;

export interface Writer {
  /** Stores a plan with its event, unless its key was used before: then it answers that plan, and what was asked for it. */
  plan(plan: NewPlan, created: PreparedCommand): Promise<StoredPlan>;
  /** Makes a job with its event, unless its key was used before or another job is in its way. */
  start(job: NewJob, queued: PreparedCommand): Promise<Inserted & { position: number }>;
  transition(write: Write): Promise<WrittenTransition>;
  /**
   * Claims jobs that may run, each with a new fence; none for a replica whose lease has ended. Jobs that are queued are claimed in their
   * order, each once it is first in line for all its resources.
   */
  claim(request: ClaimRequest): Promise<Claim[]>;
}

interface Item {
  readonly plan?: NewPlan;
  readonly job?: NewJob;
  readonly transition?: Transition;
  readonly claim?: ClaimRequest;
  readonly commands: readonly PreparedCommand[];
}

/** What came of an item: of what it is. */
interface Result {
  readonly plan?: PlanRow | undefined;
  /** Instead of the plan. */
  readonly earlier?: KeyedPlan | undefined;
  readonly job?: Inserted | undefined;
  readonly answer?: Answer | undefined;
  readonly claimed?: Claim[] | undefined;
  readonly freed: number;
  readonly together?: number;
  readonly position: number | undefined;
}

const writers = new WeakMap<Database, Writer>();

/** The one writer of a process for a database. */
export function writerOf(db: Database): Writer {
  const writer = writers.get(db) ?? createWriter(db);
  writers.set(db, writer);
  return writer;
}

/** One that shares nothing with others on the database, as that of another process. */
export function createWriter(db: Database): Writer {
  const beats = new Batcher<Item, Result>((items) => writeItems(db, items), bytesOf);
  return {
    plan: async (plan, created) => {
      const { plan: row, earlier, position } = await beats.do({ plan, commands: [created] });
      return earlier ?? { row: given(row), position: given(position) };
    },
    start: async (job, queued) => {
      const { job: made, position } = await beats.do({ job, commands: [queued] });
      return { ...given(made), position: position ?? 0 };
    },
    transition: ({ transition, commands }) =>
      beats.do({ transition, commands }).then(({ answer, freed, together, position }) => ({ answer, freed, together, position })),
    claim: async (claim) => given((await beats.do({ claim, commands: [] })).claimed),
  };
}

/** Writes all of them, or throws and has written none. */
async function writeItems(db: Database, items: readonly Item[]): Promise<Result[]> {
  const of = (kind: 'plan' | 'job' | 'transition' | 'claim') => items.filter((item) => item[kind] !== undefined);
  const [plans, starts, transitions, claims] = [of('plan'), of('job'), of('transition'), of('claim')];
  const told = [...plans, ...starts, ...transitions];
  const beat: Beat = {
    plans: plans.map(({ plan }) => given(plan)),
    starts: starts.map(({ job }) => given(job)),
    transitions: transitions.map(({ transition }) => given(transition)),
    claims: claims.map(({ claim }) => given(claim)),
    commands: told.flatMap(({ commands }) => commands),
  };
  const written = await writeBeat(db, beat);
  if ('refused' in written) {
    const apart = [
      ...(written.refused.plans ?? []).map((n) => plans[n]),
      ...(written.refused.starts ?? []).map((n) => starts[n]),
      ...(written.refused.transitions ?? []).map((n) => transitions[n]),
    ];
    const [alone] = items;
    if (alone !== undefined && items.length === 1) return [await writeWhatMayBe(db, alone)];
    throw new Apart(new Set(apart));
  }
  const positions = positionsOf(told, written.appended);
  const results = new Map<Item, Result>();
  const keep = (list: readonly Item[], resultOf: (index: number) => Omit<Result, 'freed' | 'position'>) => {
    list.forEach((item, index) => results.set(item, { ...resultOf(index), freed: 0, position: positions.get(item) }));
  };
  keep(plans, (index) => ({ plan: written.plans[index] }));
  keep(starts, (index) => ({ job: written.starts[index] }));
  keep(transitions, (index) => ({ answer: written.answers[index] }));
  keep(claims, (index) => ({ claimed: written.claims[index] }));
  const [first] = transitions;
  if (first !== undefined) results.set(first, { ...given(results.get(first)), freed: written.freed, together: transitions.length });
  return items.map((item) => given(results.get(item)));
}

/** One that was refused by itself: finds out why. */
function writeWhatMayBe(db: Database, { plan, job, transition, commands }: Item): Promise<Result> {
  return db.transaction(async (tx) => {
    if (plan !== undefined)
      return { earlier: given(await findPlanByKey(tx, plan.created_by, plan.idempotency_key ?? '')), freed: 0, position: undefined };
    if (job !== undefined) {
      // Its start is told by itself then.
      const [made] = await insertJobs(tx, [{ ...job, started: undefined }]);
      const appended = made?.outcome === 'made' ? await appendPrepared(tx, commands) : [];
      return { job: made, freed: 0, position: appended.at(-1)?.lastPosition };
    }
    const { answers, freed } = await writeTransitions(tx, [given(transition)]);
    const appended = answers[0]?.written === true ? await appendPrepared(tx, commands) : [];
    return { answer: answers[0], freed, together: 1, position: appended.at(-1)?.lastPosition };
  });
}

/** The position of the last event of each item that has one. */
function positionsOf(items: readonly Item[], appended: readonly Appended[]): Map<Item, number> {
  const positions = new Map<Item, number>();
  let next = 0;
  for (const item of items) {
    next += item.commands.length;
    const last = item.commands.length === 0 ? undefined : appended[next - 1];
    if (last !== undefined) positions.set(item, last.lastPosition);
  }
  return positions;
}

function bytesOf({ plan, commands }: Item): number {
  // A plan's body says once more what its canonical form says.
  return commands.reduce((sum, { bytes }) => sum + bytes, 2 * (plan?.canonical.length ?? 0));
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('what is written is answered');
  return value;
}
