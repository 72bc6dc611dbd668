/** A step that runs other jobs, so many at a time, and stops starting more when too many have failed. */
import { FairleadError, isTerminal, type JobStatus } from '@fairlead/contracts';
import type { JobPrincipal, Step, StepContext, StepFailure, StepResult } from './kind.js';

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
}

/** Starting and looking after the jobs of a job. */
export interface ChildJobs {
  /** Those of a parent that were ever started. */
  list(parentId: string): Promise<KnownChild[]>;
  /** Plans and starts a child as the parent's principal; the same key starts it once. Throws what planning and starting throw. */
  start(parent: { jobId: string; principal: JobPrincipal; reason: string }, child: ChildJob): Promise<void>;
  /** Asks a child to stop; one that has ended, or is past its point of no return, goes on. */
  cancel(parent: { principal: JobPrincipal; reason: string }, jobId: string): Promise<void>;
}

export interface ChildrenOptions<Params> {
  children(context: StepContext<Params>): readonly ChildJob[];
  parallel(params: Params): number;
  /** When so many have failed, those that are skipped for them not counted, no more are started, and the step fails once the others have ended. */
  stopAfterFailures(params: Params): number;
  /** Limit of the whole step. */
  timeoutMs: number;
}

/** Longer than a job is kept in place: it is woken when a child ends, and else looks again by itself. */
const lookAgainMs = 10_000;

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
}

/** The step. What its children have done stays done when it is undone; those that are open are cancelled. */
export function childrenStep<Params>(name: string, jobs: ChildJobs, options: ChildrenOptions<Params>): Step<Params> {
  return {
    name,
    attemptTimeoutMs: 60_000,
    timeoutMs: options.timeoutMs,
    retry: { maxAttempts: 1_000, baseDelayMs: 200, maxDelayMs: 5_000 },
    run: (context) => look(name, jobs, options, context),
    undoTimeoutMs: options.timeoutMs,
    undo: (context) => endChildren(jobs, context),
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
  const refused = { ...(context.outputs[name] as Progress | undefined)?.refused };
  const count = () => progressOf(wanted, known, refused);
  const limit = options.stopAfterFailures(context.params);
  const waiting = wanted.filter(({ key }) => !known.has(key) && refused[key] === undefined);
  for (const child of waiting) {
    const { running, failed, skipped } = count();
    if (failed.length >= limit || running >= options.parallel(context.params)) break;
    const missing = child.after?.find((key) => known.get(key)?.status !== 'succeeded');
    const failure = child.after?.find((key) => [...failed, ...skipped].some((one) => one.key === key));
    if (failure !== undefined) refused[child.key] = { code: skippedCode, message: `${failure} had to be first, and has not been done` };
    if (missing !== undefined) continue;
    context.signal.throwIfAborted();
    try {
      await jobs.start(context, child);
      known.set(child.key, { key: child.key, jobId: '', status: 'queued', error: null });
    } catch (error) {
      if (!(error instanceof FairleadError) || !isRefusal(error)) throw error;
      refused[child.key] = { code: error.code, message: error.message.slice(0, maxMessage) };
    }
  }
  const progress = count();
  const { running, failed, skipped, succeeded, total } = progress;
  const left = skipped.length === 0 ? '' : `, ${String(skipped.length)} skipped`;
  const note = `${String(succeeded)} of ${String(total)} done, ${String(running)} running, ${String(failed.length)} failed${left}`;
  if (running > 0) return { outcome: 'wait', delayMs: lookAgainMs, note, openChildren: running, output: progress };
  if (failed.length >= limit)
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

async function endChildren(jobs: ChildJobs, context: StepContext<unknown>): Promise<StepResult> {
  const open = (await jobs.list(context.jobId)).filter(({ status }) => !isTerminal(status));
  for (const child of open) await jobs.cancel(context, child.jobId);
  if (open.length === 0) return { outcome: 'done' };
  return { outcome: 'wait', delayMs: lookAgainMs, note: `${String(open.length)} of its jobs have yet to end`, openChildren: open.length };
}
