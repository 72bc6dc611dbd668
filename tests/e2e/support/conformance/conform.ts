/**
 * Runs a job through a case and holds what it left against what it may leave. It knows no kind and no fleet: a ground tells
 * what there is as facts, one text each.
 */
import { isDeepStrictEqual } from 'node:util';
import { eventually, type FailpointBoard } from '@fairlead/testing';
import { caseText, leavesWork, pointOf, statusesOf, turningPoint, type Case } from './faults.js';

/** All that jobs may change, by name, such as `placed acme/runner` → `runner-1`. */
export type Facts = Readonly<Record<string, string>>;
export type Params = Record<string, unknown>;

export interface EndedJob {
  readonly jobId: string;
  readonly kind: string;
  readonly params: Params;
  readonly status: string;
}

/** Something that a job had done to others. */
export interface Effect {
  /** Without ids: the same for each run of the same plan. */
  readonly what: string;
  /** The same for what must take place only once. */
  readonly once: string;
}

/** Where jobs run. */
export interface Ground {
  readonly board: FailpointBoard;
  /** How long after a job's end what it did may take to be seen everywhere. */
  readonly settleMs: number;
  /** Makes everything ready for one job of a kind; answers parameters for it. */
  prepare(kind: string): Promise<Params>;
  /** Plans and starts; answers the job's id. */
  begin(kind: string, params: Params): Promise<string>;
  cancel(jobId: string): Promise<void>;
  /** Has a job that needs attention tried again. */
  retry(jobId: string): Promise<void>;
  /** Waits until the job has ended; answers it, and then the jobs that it asked for. */
  ended(jobId: string): Promise<EndedJob[]>;
  /** Waits until a process that was killed is gone, and all runs again. */
  recovered(pid: number): Promise<void>;
  facts(): Promise<Facts>;
  /** Facts as they are once a job with these parameters has succeeded. */
  after(kind: string, params: Params, facts: Facts): Facts;
  /** Steps whose work stays when they are not undone, because nothing is to be taken back. */
  stays(kind: string): readonly string[];
  /** Facts that a kind changes more often than its outcome tells, such as counts of changes. */
  overlooks?(kind: string, fact: string): boolean;
  /** What a job had done to others: one for each time that it took effect. */
  effects(job: EndedJob, before: Facts): Promise<Effect[]>;
  /** What was told of a job, `<type>` or `<type>:<step>`, in order. */
  history(jobId: string): Promise<string[]>;
}

/** What a case came to; it conforms when there are no problems. */
export interface Verdict {
  readonly what: string;
  readonly jobId: string;
  readonly statuses: readonly string[];
  readonly problems: readonly string[];
  readonly effects: readonly string[];
}

/** Runs one case; `reference` is what the kind does when nothing disturbs it. Throws when the case could not be brought about. */
export async function conform(ground: Ground, given: Case, reference?: readonly string[]): Promise<Verdict> {
  const { kind } = given;
  const params = await ground.prepare(kind.kind);
  const before = await ground.facts();
  const { jobId, statuses } = await runThrough(ground, given, params);
  const family = await ground.ended(jobId);
  const expected = expectedFacts(ground, given, { before, family });
  const problems: string[] = [];
  const wanted = statusesOf(given);
  if (!isDeepStrictEqual(statuses, wanted)) problems.push(`it was to end ${wanted.join(', then ')}, and was ${statuses.join(', then ')}`);
  problems.push(...(await factProblems(ground, kind.kind, expected)));
  const took = await Promise.all(family.map((job) => ground.effects(job, before)));
  problems.push(...repeated(took.flat().map(({ once }) => once)).map((once) => `${once} took effect more than once`));
  const effects = inSum(took.map((ofJob) => ofJob.map(({ what }) => what)));
  if (given.ends.endsWith('succeeds') && reference !== undefined) problems.push(...effectProblems(effects, reference));
  for (const job of family) problems.push(...historyProblems(await ground.history(job.jobId)).map((text) => `${job.kind}: ${text}`));
  return { what: caseText(given), jobId, statuses, problems, effects };
}

/** What a job had done, and each different thing that the jobs which it asked for had done: how many these are is up to where tenants are just then. */
function inSum([own = [], ...others]: readonly (readonly string[])[]): string[] {
  return [...own, ...new Set(others.map((ofJob) => [...ofJob].sort().join('; ')))].sort();
}

/** Brings the case about; answers how the job ended, each time that it did. */
async function runThrough(ground: Ground, given: Case, params: Params): Promise<{ jobId: string; statuses: string[] }> {
  const { board } = ground;
  const { disturbance, direction, kind, ends } = given;
  const point = pointOf(given);
  const turn = direction === 'undo' ? turningPoint(given) : undefined;
  try {
    if (disturbance !== undefined) board.set(point, disturbance.action);
    if (turn !== undefined) board.set(turn.at, turn.action);
    const jobId = await ground.begin(kind.kind, params);
    if (turn !== undefined) {
      await board.hit(turn.at);
      if (turn.action === 'pause') {
        await ground.cancel(jobId);
        board.release(turn.at);
      }
    }
    if (disturbance !== undefined) {
      const pid = await board.hit(point, 60_000);
      if (disturbance.action === 'kill') await ground.recovered(pid);
    }
    const statuses = [await statusOf(ground, jobId)];
    if (ends.startsWith('asks') && statuses[0] === 'needs_attention') {
      await ground.retry(jobId);
      statuses.push(await statusOf(ground, jobId));
    }
    return { jobId, statuses };
  } finally {
    board.clear();
  }
}

async function statusOf(ground: Ground, jobId: string): Promise<string> {
  return (await ground.ended(jobId))[0]?.status ?? 'gone';
}

/** What is to be so afterwards: each job that succeeded has done all of its plan, the others nothing that is left. */
function expectedFacts(ground: Ground, given: Case, { before, family }: { before: Facts; family: readonly EndedJob[] }): Facts {
  return family.reduce((facts, job, index) => {
    const done = job.status === 'succeeded' || (index === 0 && leavesWork(given, ground.stays(job.kind)));
    return done ? ground.after(job.kind, job.params, facts) : facts;
  }, before);
}

/** Waits for the facts to be as expected; answers those that do not become so. */
async function factProblems(ground: Ground, kind: string, expected: Facts): Promise<string[]> {
  const counted = (facts: Facts) => Object.fromEntries(Object.entries(facts).filter(([name]) => ground.overlooks?.(kind, name) !== true));
  let problems: string[] = [];
  const same = async () => {
    problems = differences(counted(expected), counted(await ground.facts()));
    if (problems.length > 0) throw new Error(problems.join('; '));
    return true;
  };
  await eventually(same, { timeoutMs: ground.settleMs, intervalMs: 50, what: 'the facts to be as expected' }).catch((error: unknown) => {
    if (problems.length === 0) problems = [String(error)];
  });
  return problems;
}

/** Facts that are not as expected, in words. */
export function differences(expected: Facts, found: Facts): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])].sort();
  return names
    .filter((name) => expected[name] !== found[name])
    .map((name) => `${name} is ${found[name] ?? 'not there'}, not ${expected[name] ?? 'away'}`);
}

/** Effects that are not, each as often, those of a run that nothing disturbed. */
export function effectProblems(effects: readonly string[], reference: readonly string[]): string[] {
  const count = (list: readonly string[], effect: string) => list.filter((one) => one === effect).length;
  return [...new Set([...effects, ...reference])]
    .filter((effect) => count(effects, effect) !== count(reference, effect))
    .map((effect) => `${effect} took place ${String(count(effects, effect))} times, not ${String(count(reference, effect))}`);
}

const ends = ['job_succeeded', 'job_failed', 'job_cancelled'];

/** A job ends once, and each of its steps succeeds and is undone at most once. */
export function historyProblems(history: readonly string[]): string[] {
  const final = history.filter((entry) => ends.includes(entry));
  const once = history.filter((entry) => /^step_(succeeded|undone):/.test(entry));
  return [
    ...(final.length === 1 ? [] : [`it was told to end ${String(final.length)} times: ${final.join(', ')}`]),
    ...repeated(once).map((entry) => `${entry} was told more than once`),
  ];
}

/** Entries that a list has more than once. */
function repeated(list: readonly string[]): string[] {
  return [...new Set(list)].filter((entry) => list.indexOf(entry) !== list.lastIndexOf(entry));
}
