/**
 * Runs one claimed job until it ends, rests, or is lost to another claim.
 *
 * Each transition is one fenced transaction: the outcome of the run that ended, the beginning of the next, and
 * their events. When its outcome is unknown (a lost connection), the state is read again and the run repeated:
 * steps are idempotent by key. Nothing begins once the lease has ended by the local monotonic clock.
 */
import { randomInt } from 'node:crypto';
import { newId, type EventBody, type JobStatus, type TerminalJobStatus } from '@fairlead/contracts';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import { isConnectionError, type Database } from '@fairlead/postgres';
import { currentContext, newContext, runInContext, type Logger, type RequestContext, type Tracing } from '@fairlead/telemetry';
import {
  isUndoable,
  nextAction,
  settle,
  type Conditions,
  type JobState,
  type Outcome,
  type Settled,
  type StepRules,
} from '../domain/machine.js';
import type { Claim } from '../store/claim.js';
import { loadJob, stateOf, type JobRow, type LoadedJob } from '../store/jobs.js';
import { loadPlanDraft } from '../store/plans.js';
import { FencedOut, writeTransition, type AttemptEnd, type Transition } from '../store/transition.js';
import { outcomeOfError, storable } from './classify.js';
import { jobEvent, outcomeEvent, toldFailure } from './events.js';
import { stepFailpoint } from './failpoints.js';
import { rulesOf, type JobKind, type PlanDraft, type StepContext } from './kind.js';
import type { Lease } from './lease.js';
import type { EngineMetrics } from './metrics.js';
import { traceStep } from './step-span.js';

export interface RunnerDependencies {
  db: Database;
  replicaId: string;
  logger: Logger;
  metrics: EngineMetrics;
  tracing: Tracing;
  /** Called after a commit with the log position it reached. */
  onAppended: (position: number) => void;
  /** Rests longer than this give the job up until it is due. */
  keepForMs: number;
}

/** How a run of the job loop ended. */
export type RunEnd = 'finished' | 'released' | 'lost';

interface Attempt {
  index: number;
  direction: 'forward' | 'undo';
  number: number;
}

/** Runs a claimed job; resolves when this replica has nothing more to do with it. Never rejects. */
export async function runJob(deps: RunnerDependencies, kind: JobKind, claim: Claim, lease: Lease): Promise<RunEnd> {
  const loaded = await readJob(deps, claim, lease);
  if (loaded === undefined) return 'lost';
  return runInContext(contextOf(loaded.job), () => new JobRun(deps, kind, claim, lease, loaded).run());
}

/** Reads the job while the lease lasts, through outages of Postgres. */
async function readJob(deps: RunnerDependencies, claim: Claim, lease: Lease): Promise<(LoadedJob & { plan: PlanDraft }) | undefined> {
  while (lease.holds()) {
    try {
      const loaded = await loadJob(deps.db, claim.jobId);
      // A later claim by this very replica has ended this lease; the fence alone also grows when the job turns to undo.
      if (loaded?.job.owner !== deps.replicaId) return undefined;
      return { ...loaded, plan: await loadPlanDraft(deps.db, loaded.job.plan_id) };
    } catch (error) {
      deps.logger.warn({ err: error, job_id: claim.jobId }, 'a job could not be read; trying again');
      await lease.sleep(200);
    }
  }
  return undefined;
}

class JobRun {
  private state: JobState;
  private conditions: Conditions;
  private fence: number;
  private writeFailures = 0;
  private readonly rules: readonly StepRules[];
  private outputs: Record<string, Record<string, unknown>>;
  private stepClock: StepClock;
  /** The run that has ended and is not written yet. */
  private ended: AttemptEnd | undefined;
  private events: NewEvent[] = [];

  constructor(
    private readonly deps: RunnerDependencies,
    private readonly kind: JobKind,
    private readonly claim: Claim,
    private readonly lease: Lease,
    private loaded: LoadedJob & { plan: PlanDraft },
  ) {
    this.fence = claim.fence;
    this.rules = rulesOf(kind);
    this.state = stateOf(loaded);
    this.conditions = conditionsOf(loaded);
    this.outputs = outputsOf(loaded);
    this.stepClock = new StepClock(this.state);
  }

  async run(): Promise<RunEnd> {
    while (this.lease.holds()) {
      try {
        const end = await this.advance();
        if (end !== undefined) return end;
      } catch (error) {
        if (error instanceof FencedOut) return this.lost('another claim has it: a write was refused');
        if (!(await this.recover(error))) return this.lost('another claim has it, or the lease ended');
      }
    }
    return this.lost('the lease ended');
  }

  /** One action of the state machine; answers how the job ended for this replica, if it did. */
  private async advance(): Promise<RunEnd | undefined> {
    const conditions = { ...this.conditions, cancelRequested: this.conditions.cancelRequested || this.lease.cancelRequested };
    const next = nextAction(this.state, this.rules, conditions);
    switch (next.action) {
      case 'move':
        if (this.state.direction === 'forward' && next.state.direction === 'undo') this.tellCompensating(next.state);
        this.state = next.state;
        return undefined;
      case 'finish':
        return this.finish(next.status, next.error);
      case 'run':
      case 'undo': {
        const settled = await this.runStep(next.index);
        if (settled.finish !== undefined) return this.finish(settled.finish.status, settled.finish.error);
        if (this.lease.stopping) return this.rest(0, true);
        return settled.delayMs > 0 ? this.rest(settled.delayMs, settled.delayMs > this.deps.keepForMs) : undefined;
      }
    }
  }

  /** Writes the beginning of a run, runs it, and settles its outcome; the outcome is written with what follows. */
  private async runStep(index: number): Promise<Settled> {
    const attempt = this.beginAttempt(index);
    await stepFailpoint(this.kind, attempt, 'before_attempt');
    await this.write({ status: this.runningStatus(), begins: attempt, release: false, finished: false });
    const startedAt = performance.now();
    const outcome: Outcome = this.cancelledMeanwhile(index, attempt)
      ? { outcome: 'interrupted' }
      : storable(await traceStep(this.deps.tracing, this.kind, attempt, () => this.execute(index, attempt)));
    await stepFailpoint(this.kind, attempt, 'after_effect');
    this.state = this.stepClock.refresh(this.state);
    const settled = settle(this.state, this.rules, outcome, randomInt(1_000_000) / 1_000_000);
    const stepName = this.state.steps[index]?.name ?? '';
    this.deps.metrics.attempt(this.kind.kind, stepName, attempt.direction, settled.result, (performance.now() - startedAt) / 1000);
    const output = outcome.outcome === 'done' ? outcome.output : undefined;
    if (output !== undefined && attempt.direction === 'forward') this.outputs[stepName] = output;
    this.ended = {
      ...attempt,
      outcome: settled.result,
      error: settled.error,
      output: attempt.direction === 'forward' ? output : undefined,
    };
    const event = outcomeEvent(stepName, attempt.number, settled, attempt.direction === 'forward' ? output : undefined);
    if (event !== undefined) this.tell(event, stepName);
    if (this.state.direction === 'forward' && settled.state.direction === 'undo') this.tellCompensating(settled.state);
    this.state = settled.state;
    return settled;
  }

  /** True when a cancel arrived while the run's beginning was written: then it need not run at all. */
  private cancelledMeanwhile(index: number, attempt: Attempt): boolean {
    const cancelRequested = this.conditions.cancelRequested || this.lease.cancelRequested;
    return (
      cancelRequested &&
      attempt.direction === 'forward' &&
      isUndoable(this.state, this.rules) &&
      this.rules[index]?.pointOfNoReturn !== true
    );
  }

  /** Counts the run in the state and tells of it. */
  private beginAttempt(index: number): Attempt {
    const direction = this.state.direction;
    const step = this.state.steps[index];
    if (step === undefined) throw new Error('no such step');
    const number = (direction === 'forward' ? step.attempts : step.undoAttempts) + 1;
    const change =
      direction === 'forward' ? { attempts: number, status: 'running' as const } : { undoAttempts: number, status: 'undoing' as const };
    this.state = { ...this.state, steps: this.state.steps.map((s, i) => (i === index ? { ...s, ...change } : s)) };
    this.stepClock.begin(index, direction);
    // A run after a wait is no news; the first one is, and one after a failure.
    const failures = direction === 'forward' ? step.failures : step.undoFailures;
    const payload = { step: step.name, attempt: number };
    if (number === 1 || failures > 0)
      this.tell({ type: direction === 'forward' ? 'step_started' : 'step_undo_started', payload }, step.name);
    return { index, direction, number };
  }

  private async execute(index: number, attempt: Attempt): Promise<Outcome> {
    const step = this.kind.steps[index];
    if (step === undefined) throw new Error('no such step');
    const aborter = new AbortController();
    const release = this.lease.onInterrupt(() => {
      // What began at a point of no return is seen through: aborting it would only make its outcome unknown.
      if (step.pointOfNoReturn !== true || this.lease.lost) aborter.abort('interrupted');
    });
    const timer = setTimeout(() => {
      aborter.abort('timeout');
    }, step.attemptTimeoutMs);
    try {
      const within = currentContext() ?? contextOf(this.loaded.job);
      const context = this.stepContext(step.name, attempt, aborter.signal);
      if (attempt.direction === 'forward') return await runInContext({ ...within, step: step.name }, () => step.run(context));
      const undo = step.undo;
      if (typeof undo !== 'function') return { outcome: 'done' };
      return await runInContext({ ...within, step: `${step.name}:undo` }, () => undo(context));
    } catch (error) {
      if (aborter.signal.reason === 'interrupted') return { outcome: 'interrupted' };
      if (aborter.signal.reason === 'timeout') {
        return {
          outcome: 'retry',
          error: { code: 'step_timeout', message: `a run of step ${step.name} did not end within ${String(step.attemptTimeoutMs)} ms` },
        };
      }
      this.deps.logger.warn({ err: error, job_id: this.claim.jobId, step: step.name }, 'a run of a step failed');
      return outcomeOfError(error);
    } finally {
      clearTimeout(timer);
      release();
    }
  }

  private stepContext(name: string, attempt: Attempt, signal: AbortSignal): StepContext<unknown> {
    const { job, plan } = this.loaded;
    return {
      jobId: job.job_id,
      params: job.params,
      plan,
      reason: job.reason,
      principal: job.principal,
      outputs: this.outputs,
      fence: this.fence,
      attempt: attempt.number,
      idempotencyKey: `${job.job_id}:${name}${attempt.direction === 'undo' ? ':undo' : ''}`,
      signal,
    };
  }

  private async finish(status: TerminalJobStatus, error: Transition['error']): Promise<RunEnd> {
    this.tell({ type: `job_${status}`, payload: error === undefined ? {} : { error: toldFailure(error) } });
    const attempts = error?.step === undefined ? undefined : this.state.steps.find((step) => step.name === error.step)?.attempts;
    const told = error === undefined ? undefined : { ...error, ...(attempts === undefined ? {} : { attempt: attempts }) };
    await this.write({ status, error: told, release: true, finished: true });
    this.deps.metrics.finished(this.kind.kind, status);
    return 'finished';
  }

  /** Waits for the next action, in place or, when it is long or the replica is stopping, by giving the job up. */
  private async rest(delayMs: number, release: boolean): Promise<RunEnd | undefined> {
    const status = this.state.direction === 'undo' ? 'compensating' : delayMs > 0 ? 'waiting' : 'running';
    await this.write({ status, wakeInMs: delayMs, release, finished: false });
    if (release) return 'released';
    await this.lease.sleep(delayMs);
    return undefined;
  }

  /** Commits a transition with all events told since the last one. */
  private async write(change: Pick<Transition, 'status' | 'begins' | 'release' | 'finished' | 'wakeInMs' | 'error'>): Promise<void> {
    const { jobId } = this.claim;
    const fence = this.fence;
    const position = await this.deps.db.transaction(async (tx) => {
      const result = await writeTransition(tx, {
        jobId,
        fence,
        owner: this.deps.replicaId,
        state: this.state,
        ended: this.ended,
        ...change,
      });
      const begins = change.begins;
      if (
        begins !== undefined &&
        this.rules[begins.index]?.pointOfNoReturn === true &&
        begins.number === 1 &&
        begins.direction === 'forward' &&
        result.cancelRequested
      ) {
        throw new CancelledBefore();
      }
      this.conditions = result;
      this.fence = result.fence;
      if (this.events.length === 0) return undefined;
      return (await appendInTransaction(tx, { commandId: newId('command'), events: this.events })).lastPosition;
    });
    const ended = this.ended;
    this.ended = undefined;
    this.events = [];
    this.writeFailures = 0;
    if (position !== undefined) this.deps.onAppended(position);
    if (ended !== undefined) await stepFailpoint(this.kind, ended, 'after_commit');
  }

  /** After a failed write: goes on from what the database says. False when the job is lost. */
  private async recover(error: unknown): Promise<boolean> {
    if (!(error instanceof CancelledBefore)) {
      const { logger, metrics } = this.deps;
      metrics.writeFailed();
      logger[isConnectionError(error) ? 'warn' : 'error'](
        { err: error, job_id: this.claim.jobId },
        'a transition was not written; reading the job again',
      );
      // An outcome that can't be written comes again: not in a tight loop.
      await this.lease.sleep(Math.min(200 * 2 ** Math.min(this.writeFailures++, 10), 5_000));
    }
    const loaded = await readJob(this.deps, this.claim, this.lease);
    if (loaded === undefined) return false;
    this.loaded = loaded;
    this.fence = loaded.job.fence;
    this.state = stateOf(loaded);
    this.conditions = conditionsOf(loaded);
    this.outputs = outputsOf(loaded);
    this.stepClock = new StepClock(this.state);
    this.ended = undefined;
    this.events = [];
    return true;
  }

  private lost(why: string): RunEnd {
    this.deps.logger.warn({ job_id: this.claim.jobId, fence: this.fence, why }, 'a job was lost');
    this.deps.metrics.lost();
    return 'lost';
  }

  private tellCompensating({ failure }: JobState): void {
    if (failure !== undefined) this.tell({ type: 'job_compensating', payload: { error: toldFailure(failure) } });
  }

  private tell(body: EventBody<'job'>, step?: string): void {
    const { tenant_id: tenantId, reason } = this.loaded.job;
    const about = { jobId: this.claim.jobId, tenantId: tenantId ?? undefined };
    this.events.push(jobEvent(about, body, { reason, ...(step === undefined ? {} : { step }) }));
  }

  private runningStatus(): JobStatus {
    return this.state.direction === 'undo' ? 'compensating' : 'running';
  }
}

/** A cancel arrived before the point of no return had begun; the job is read again and undone. */
class CancelledBefore extends Error {}

/** Adds the time since a step began, by the monotonic clock, to what the database said when the job was read. */
class StepClock {
  private readonly forward: (number | undefined)[];
  private readonly undo: (number | undefined)[];

  constructor(state: JobState) {
    const now = performance.now();
    this.forward = state.steps.map((step) => (step.runningMs === undefined ? undefined : now - step.runningMs));
    this.undo = state.steps.map((step) => (step.undoRunningMs === undefined ? undefined : now - step.undoRunningMs));
  }

  begin(index: number, direction: 'forward' | 'undo'): void {
    const clock = direction === 'forward' ? this.forward : this.undo;
    clock[index] ??= performance.now();
  }

  refresh(state: JobState): JobState {
    const now = performance.now();
    const since = (begun: number | undefined) => (begun === undefined ? undefined : now - begun);
    return {
      ...state,
      steps: state.steps.map((step, index) => ({ ...step, runningMs: since(this.forward[index]), undoRunningMs: since(this.undo[index]) })),
    };
  }
}

function conditionsOf({ job }: LoadedJob): Conditions {
  return { cancelRequested: job.cancel_requested_at !== null, deadlinePassed: job.deadline_passed };
}

function outputsOf({ steps }: LoadedJob): Record<string, Record<string, unknown>> {
  return Object.fromEntries(steps.filter((step) => step.output !== null).map((step) => [step.name, step.output ?? {}]));
}

/** The context of the request that started the job. */
export function contextOf(job: JobRow): RequestContext {
  return newContext({
    requestId: job.request_id,
    correlationId: job.correlation_id,
    traceparent: job.traceparent,
    jobId: job.job_id,
    principal: job.principal.id,
    via: 'job-orchestrator',
    ...(job.tenant_id === null ? {} : { tenantId: job.tenant_id }),
  });
}
