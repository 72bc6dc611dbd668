/** A step that runs other jobs, so many at a time, and stops starting more when too many have failed. */
import { FairleadError, isTerminal, type JobStatus } from '@fairlead/contracts';
import type { JobPrincipal, PlanDraft, Step, StepContext, StepFailure, StepResult } from './kind.js';

/** A job that another one asks for. */
export interface ChildJob {
  /** Unlike the others of its parent; the same for each repeat. */
  readonly key: string;
  readonly kind: string;
  readonly params: Record<string, unknown>;
  /** Keys of earlier ones of the list that have to have succeeded before it is started; when one of them fails, it is not. */
  readonly after?: readonly string[];
}

export interface KnownChild {
  readonly jobId: string;
  readonly key: string;
  readonly status: JobStatus;
  readonly error: StepFailure | null;
  /** How long ago it ended; null when it has not. */
  readonly endedMs: number | null;
}

/** What keeps a child from being started at present. */
export type Obstacle = StepFailure;

/** Starting and looking after the jobs of a job. */
export interface ChildJobs {
  /** Those of a parent that were ever started. */
  list(parentId: string): Promise<KnownChild[]>;
  /**
   * Plans and starts a child as the parent's principal; the same key starts it once. Answers why it can't be started at present where that
   * may pass by itself in a moment. Throws what planning and starting throw.
   */
  start(parent: { jobId: string; principal: JobPrincipal; reason: string }, child: ChildJob): Promise<Obstacle | undefined>;
  /** What a job was planned to do; undefined once that is not kept any more. */
  planOf(jobId: string): Promise<PlanDraft | undefined>;
  /** Asks a child to stop; one that has ended, or is past its point of no return, goes on. */
  cancel(parent: { principal: JobPrincipal; reason: string }, jobId: string): Promise<void>;
}

export interface ChildrenOptions<Params> {
  children(context: StepContext<Params>): readonly ChildJob[];
  parallel(params: Params, plan: PlanDraft): number;
  /** When so many have failed, those that are skipped for them not counted, no more are started, and the step fails once the others have ended. */
  stopAfterFailures(params: Params): number;
  /** Every child is tried, however many have failed before it, and the step fails when one has. */
  tryAll?: boolean;
  /** Limit of the whole step. */
  timeoutMs: number;
  /**
   * The job that takes back a child that has succeeded, by what it was planned to do as far as that is still known; undefined when it did
   * nothing. Left out, what the children have done stays.
   */
  takeBack?: (child: ChildJob, plan: PlanDraft | undefined) => Pick<ChildJob, 'kind' | 'params'> | undefined;
  /** Limit of the whole undo; that of the step when left out. */
  undoTimeoutMs?: number;
  /** A child that an obstacle keeps from being started for so long has failed; half a minute when left out. */
  obstacleMs?: number;
}

/** A shard that has crashed is back by then, or stays away. */
const defaultObstacleMs = 30_000;

/** How soon a child that is held up is tried again. */
const startAgainMs = 1_000;

/** Longer than a job is kept in place: it is woken when a child ends, and else looks again by itself. */
const lookAgainMs = 10_000;

/** What could not be taken back is tried again so long after it failed. */
const tryAgainMs = 5_000;

/** Characters of why a child failed that its parent keeps; the child has all of them. */
const maxMessage = 150;

/** The code of a child that was not started because of another one. Starting a child answers no such code. */
const skippedCode = 'children_failed';

/** How far a parent's children are, as its step tells it. */
interface Progress extends Record<string, unknown> {
  total: number;
  succeeded: number;
  running: number;
  failed: { key: string; code: string; message: string; job_id?: string }[];
  /** Never started, for one that had to be first has failed: their failure is that one's, and is counted once. */
  skipped: { key: string; message: string }[];
  /** Children that were refused before they were a job, those that are skipped among them. */
  refused: Record<string, StepFailure>;
  /** Children that an obstacle keeps from being started, each with when that was found first, in the step's running time. */
  held_since_ms?: Record<string, number>;
}

/** The step. When it is undone, children that are open are cancelled, and what the others have done is taken back where the options say how. */
export function childrenStep<Params>(name: string, jobs: ChildJobs, options: ChildrenOptions<Params>): Step<Params> {
  return {
    name,
    attemptTimeoutMs: 60_000,
    timeoutMs: options.timeoutMs,
    retry: { maxAttempts: 1_000, baseDelayMs: 200, maxDelayMs: 5_000 },
    run: (context) => look(name, jobs, options, context),
    undoTimeoutMs: options.undoTimeoutMs ?? options.timeoutMs,
    undo: async (context) => (await endChildren(jobs, options, context)) ?? (await takeBackAll(jobs, options, context)),
  };
}

async function look<Params>(
  name: string,
  jobs: ChildJobs,
  options: ChildrenOptions<Params>,
  context: StepContext<Params>,
): Promise<StepResult> {
  const wanted = options.children(context);
  const known = new Map((await jobs.list(context.jobId)).map((child) => [child.key, child]));
  const before = context.outputs[name] as Progress | undefined;
  const refused = { ...before?.refused };
  const held: Record<string, number> = {};
  const count = () => progressOf(wanted, known, refused);
  const limit = options.tryAll === true ? Infinity : options.stopAfterFailures(context.params);
  const waiting = wanted.filter(({ key }) => !known.has(key) && refused[key] === undefined);
  for (const child of waiting) {
    const { running, failed, skipped } = count();
    if (failed.length >= limit || running + Object.keys(held).length >= options.parallel(context.params, context.plan)) break;
    const missing = child.after?.find((key) => known.get(key)?.status !== 'succeeded');
    const failure = child.after?.find((key) => [...failed, ...skipped].some((one) => one.key === key));
    if (failure !== undefined) refused[child.key] = { code: skippedCode, message: `${failure} had to be first, and has not been done` };
    if (missing !== undefined) continue;
    context.signal.throwIfAborted();
    try {
      const obstacle = await jobs.start(context, child);
      if (obstacle !== undefined) {
        const since = before?.held_since_ms?.[child.key] ?? context.runningMs;
        if (context.runningMs - since < (options.obstacleMs ?? defaultObstacleMs)) held[child.key] = since;
        else refused[child.key] = { code: obstacle.code, message: obstacle.message.slice(0, maxMessage) };
        continue;
      }
      known.set(child.key, { key: child.key, jobId: '', status: 'queued', error: null, endedMs: null });
    } catch (error) {
      if (!(error instanceof FairleadError) || !isRefusal(error)) throw error;
      refused[child.key] = { code: error.code, message: error.message.slice(0, maxMessage) };
    }
  }
  const isHeld = Object.keys(held).length > 0;
  const progress = { ...count(), ...(isHeld ? { held_since_ms: held } : {}) };
  const { running, failed, skipped, succeeded, total } = progress;
  const left = skipped.length === 0 ? '' : `, ${String(skipped.length)} skipped`;
  const note = `${String(succeeded)} of ${String(total)} done, ${String(running)} running, ${String(failed.length)} failed${left}`;
  const delayMs = isHeld ? startAgainMs : lookAgainMs;
  if (running > 0) return { outcome: 'wait', delayMs, note, openChildren: running, output: progress };
  if (isHeld && failed.length < limit)
    return { outcome: 'wait', delayMs, note: `${note}, ${String(Object.keys(held).length)} held up`, output: progress };
  if (failed.length >= (options.tryAll === true ? 1 : limit))
    return {
      outcome: 'failed',
      error: { code: 'children_failed', message: `${note}; the first: ${failed[0]?.key ?? ''}: ${failed[0]?.message ?? ''}` },
    };
  return { outcome: 'done', output: progress };
}

/** Whether a child can't be started for a reason that a repeat does not cure. */
function isRefusal({ kind }: FairleadError): boolean {
  return !['unavailable', 'deadline_exceeded', 'rate_limited', 'internal'].includes(kind);
}

function progressOf(
  wanted: readonly ChildJob[],
  known: ReadonlyMap<string, KnownChild>,
  refused: Readonly<Record<string, StepFailure>>,
): Progress {
  const failed: Progress['failed'] = [];
  const skipped: Progress['skipped'] = [];
  let [succeeded, running] = [0, 0];
  for (const { key } of wanted) {
    const [child, refusal] = [known.get(key), refused[key]];
    if (refusal?.code === skippedCode) skipped.push({ key, message: refusal.message });
    else if (refusal !== undefined) failed.push({ key, ...refusal });
    else if (child === undefined) continue;
    else if (child.status === 'succeeded') succeeded += 1;
    else if (isTerminal(child.status))
      failed.push({
        key,
        job_id: child.jobId,
        code: child.error?.code ?? child.status,
        message: (child.error?.message ?? child.status).slice(0, maxMessage),
      });
    else running += 1;
  }
  return { total: wanted.length, succeeded, running, failed, skipped, refused };
}

/** Cancels the children that are open; undefined when there are none. */
async function endChildren<Params>(
  jobs: ChildJobs,
  options: ChildrenOptions<Params>,
  context: StepContext<Params>,
): Promise<StepResult | undefined> {
  const wanted = new Set(options.children(context).map(({ key }) => key));
  const open = (await jobs.list(context.jobId)).filter(({ key, status }) => wanted.has(key) && !isTerminal(status));
  for (const child of open) await jobs.cancel(context, child.jobId);
  if (open.length === 0) return undefined;
  return { outcome: 'wait', delayMs: lookAgainMs, note: `${String(open.length)} of its jobs have yet to end`, openChildren: open.length };
}

/** The key of the nth try to take a child back. */
const takeBackKey = (child: ChildJob, n: number) => `undo:${String(n)}:${child.key}`;

/**
 * Takes back what children have done, so many at a time, the last ones first. One that can't be taken back is tried again by a job of its
 * own until the undo's time is up: that it is done matters more than when.
 */
async function takeBackAll<Params>(jobs: ChildJobs, options: ChildrenOptions<Params>, context: StepContext<Params>): Promise<StepResult> {
  const { takeBack } = options;
  if (takeBack === undefined) return { outcome: 'done' };
  const known = new Map((await jobs.list(context.jobId)).map((child) => [child.key, child]));
  const done = options.children(context).filter(({ key }) => known.get(key)?.status === 'succeeded');
  const tries = done.toReversed().map((child) => {
    let n = 1;
    while (known.has(takeBackKey(child, n + 1))) n += 1;
    const last = known.get(takeBackKey(child, n));
    return { child, last, next: takeBackKey(child, last === undefined ? n : n + 1) };
  });
  const running = tries.filter(({ last }) => last !== undefined && !isTerminal(last.status)).length;
  const left = tries.filter(({ last }) => last?.status !== 'succeeded');
  let [open, problem] = [running, ''];
  let settled = tries.length - left.length;
  for (const { child, last, next } of left) {
    if (open >= options.parallel(context.params, context.plan)) break;
    if (last !== undefined && (last.endedMs ?? 0) < tryAgainMs) {
      if (last.endedMs !== null) problem = `${child.key}: ${last.error?.message ?? last.status}`;
      continue;
    }
    const back = takeBack(child, await jobs.planOf(known.get(child.key)?.jobId ?? ''));
    if (back === undefined) {
      settled += 1;
      continue;
    }
    context.signal.throwIfAborted();
    try {
      const obstacle = await jobs.start(context, { key: next, ...back });
      if (obstacle === undefined) open += 1;
      else problem = `${child.key}: ${obstacle.message.slice(0, maxMessage)}`;
    } catch (error) {
      if (!(error instanceof FairleadError) || !isRefusal(error)) throw error;
      problem = `${child.key}: ${error.message.slice(0, maxMessage)}`;
    }
  }
  if (settled === tries.length) return { outcome: 'done' };
  const note = `${String(settled)} of ${String(tries.length)} taken back${problem === '' ? '' : `; not yet ${problem}`}`;
  return open === 0 ? { outcome: 'wait', delayMs: tryAgainMs, note } : { outcome: 'wait', delayMs: lookAgainMs, note, openChildren: open };
}
