/**
 * Runs one claimed job until it ends, rests, or is lost to another claim.
 *
 * Each transition is fenced and committed with its events before the next begins: the outcome of the run that ended, and the
 * beginning of the next. When its outcome is unknown (a lost connection), the state is read again and the run repeated:
 * steps are idempotent by key. Nothing begins once the lease has ended by the local monotonic clock.
 */
import { randomInt } from 'node:crypto';
import type { JobStatus, TerminalJobStatus } from '@fairlead/contracts';
import { isConnectionError } from '@fairlead/postgres';
import { currentContext, runInContext, type Logger, type Tracing } from '@fairlead/telemetry';
import {
  isUndoable,
  nextAction,
  settle,
  type Conditions,
  type JobState,
  type Outcome,
  type Settled,
  type StepRules,
  type StepState,
} from '../domain/machine.js';
import type { Claim } from '../store/claim.js';
import { conditionsOf, outputsOf, stateOf, type RunnableJob } from '../store/jobs.js';
import type { JobRow } from '../store/rows.js';
import type { Answer, EndedRun, Rest, Run, Transition } from '../store/transition.js';
import { outcomeOfError, storable } from './classify.js';
import { outcomeEvent, toldFailure } from './events.js';
import { stepFailpoint, workPastFailpoints } from './failpoints.js';
import { rulesOf, type JobKind, type StepContext } from './kind.js';
import { contextOf } from './job-context.js';
import type { JobLease } from './lease.js';
import { secondsSince, type EngineMetrics } from './metrics.js';
import { JobNews } from './news.js';
import { StepClock } from './step-clock.js';
import { traceStep } from './step-span.js';
import type { Write } from './writer.js';

export interface RunnerDependencies {
  /** The job as it stands; undefined when there is none. */
  load: (jobId: string) => Promise<RunnableJob | undefined>;
  /** Commits a transition; answers undefined when the claim is over. */
  write: (write: Write) => Promise<Answer | undefined>;
  kindOf: (job: JobRow) => JobKind;
  logger: Logger;
  metrics: EngineMetrics;
  tracing: Tracing;
  /** Rests longer than this give the job up until it is due. */
  keepForMs: number;
}

/** How a run of the job loop ended. */
export type RunEnd = 'finished' | 'released' | 'lost';

/** Runs a claimed job; resolves when this replica has nothing more to do with it. Never rejects. */
export async function runJob(deps: RunnerDependencies, claim: Claim, lease: JobLease): Promise<RunEnd> {
  const loaded = claim.loaded ?? (await readJob(deps, lease));
  if (loaded === undefined) return 'lost';
  return runInContext(contextOf(loaded.job), () => new JobRun(deps, claim, lease, loaded).run());
}

/** Reads the job while the lease lasts, through outages of Postgres. */
async function readJob(deps: RunnerDependencies, lease: JobLease): Promise<RunnableJob | undefined> {
  while (lease.holds()) {
    try {
      const loaded = await deps.load(lease.jobId);
      // A later claim by this very replica has ended this lease; the fence alone also grows when the job turns to undo.
      return loaded?.job.owner === lease.replica.replicaId ? loaded : undefined;
    } catch (error) {
      deps.logger.warn({ err: error, job_id: lease.jobId }, 'a job could not be read; trying again');
      await lease.sleep(200);
    }
  }
  return undefined;
}

class JobRun {
  private readonly kind: JobKind;
  private readonly rules: readonly StepRules[];
  private state!: JobState;
  /** The steps as the database has them. */
  private written!: readonly StepState[];
  /** The job's status in the database. */
  private writtenStatus!: JobStatus;
  private conditions!: Conditions;
  private fence!: number;
  private outputs!: Record<string, Record<string, unknown>>;
  private stepClock!: StepClock;
  private writeFailures = 0;
  private readonly news: JobNews;
  /** The run that has ended and is not written yet. */
  private ended: EndedRun | undefined;
  /** The run that has begun with the claim. */
  private begun: Run | undefined;

  constructor(
    private readonly deps: RunnerDependencies,
    private readonly claim: Claim,
    private readonly lease: JobLease,
    private loaded: RunnableJob,
  ) {
    this.kind = deps.kindOf(loaded.job);
    this.rules = rulesOf(this.kind);
    this.take(loaded);
    this.begun = claim.begun === true ? { index: 0, direction: 'forward', number: 1 } : undefined;
    this.news = new JobNews(loaded.job, claim, lease.replica.replicaId);
    if (claim.how === 'started') deps.metrics.waited(this.kind.kind, secondsSince(loaded.job.created_at));
  }

  /** Goes on from what the database says. */
  private take(loaded: RunnableJob): void {
    this.loaded = loaded;
    this.fence = loaded.job.fence;
    this.state = stateOf(loaded);
    this.written = this.state.steps;
    this.writtenStatus = loaded.job.status;
    this.conditions = conditionsOf(loaded);
    this.outputs = outputsOf(loaded);
    this.stepClock = new StepClock(this.state);
    this.ended = undefined;
    this.begun = undefined;
  }

  async run(): Promise<RunEnd> {
    while (this.lease.holds()) {
      try {
        const end = await this.advance();
        if (end !== undefined) return end;
      } catch (error) {
        if (!(await this.recover(error)))
          return this.lost(
            error instanceof Refused ? 'another claim has it: a write was refused' : 'another claim has it, or the lease ended',
          );
      }
    }
    return this.lost('the lease ended');
  }

  /** One action of the state machine; answers how the job ended for this replica, if it did. */
  private async advance(): Promise<RunEnd | undefined> {
    const { cancelRequested, pauseRequested, deadlinePassed } = this.conditions;
    const conditions = {
      cancelRequested: cancelRequested || this.lease.cancelRequested,
      pauseRequested: pauseRequested || this.lease.pauseRequested,
      deadlinePassed,
    };
    const next = nextAction(this.state, this.rules, conditions);
    switch (next.action) {
      case 'move':
        if (this.state.direction === 'forward' && next.state.direction === 'undo') this.news.tellCompensating(next.state.failure);
        this.state = next.state;
        return undefined;
      case 'pause':
        return this.pause();
      case 'finish':
        return this.finish(next.status, next.error);
      case 'run':
      case 'undo': {
        const settled = await this.runStep(next.index);
        if (settled === undefined) return undefined;
        if (settled.finish !== undefined) return this.finish(settled.finish.status, settled.finish.error);
        const { delayMs: ms, waitsFor, openChildren, note } = settled;
        if (this.lease.stopping) return this.rest({ ms, openChildren }, true);
        // A signal is read with the job, by its next claim.
        return ms > 0 ? this.rest({ ms, waitsFor, openChildren, note }, ms > this.deps.keepForMs || waitsFor !== undefined) : undefined;
      }
    }
  }

  /**
   * Writes the beginning of a run, runs it, and settles its outcome; the outcome is written with what follows. Undefined when it
   * must not begin: something else was asked of the job meanwhile.
   */
  private async runStep(index: number): Promise<Settled | undefined> {
    const attempt = await this.begin(index);
    if (attempt === undefined) return undefined;
    this.stepClock.begin(index, attempt.direction);
    const startedAt = performance.now();
    const outcome = storable(await traceStep(this.deps.tracing, this.kind, attempt, () => this.execute(index, attempt)));
    await stepFailpoint(this.kind, attempt, 'after_effect');
    this.state = this.stepClock.refresh(this.state);
    const settled = settle(this.state, this.rules, outcome, randomInt(1_000_000) / 1_000_000);
    const stepName = this.state.steps[index]?.name ?? '';
    this.deps.metrics.attempt(this.kind.kind, stepName, attempt.direction, settled.result, (performance.now() - startedAt) / 1000);
    const output = outcome.outcome === 'done' || outcome.outcome === 'wait' ? outcome.output : undefined;
    if (output !== undefined && attempt.direction === 'forward') this.outputs[stepName] = output;
    this.ended = { ...attempt, error: settled.error, output: attempt.direction === 'forward' ? output : undefined };
    const event = outcomeEvent(stepName, attempt.number, settled, attempt.direction === 'forward' ? output : undefined);
    if (event !== undefined) this.news.tell(event, stepName);
    if (this.state.direction === 'forward' && settled.state.direction === 'undo') this.news.tellCompensating(settled.state.failure);
    this.state = settled.state;
    return settled;
  }

  /** Writes that a run begins, unless it was written with the claim; undefined when it must not begin. */
  private async begin(index: number): Promise<Run | undefined> {
    const { state: before, begun } = this;
    this.begun = undefined;
    // A cancel may have come between.
    if (begun !== undefined && before.direction === 'forward') {
      await stepFailpoint(this.kind, begun, 'before_attempt');
      return begun;
    }
    const takeBack = this.news.mark();
    const attempt = this.beginRun(index);
    await stepFailpoint(this.kind, attempt, 'before_attempt');
    // As the state machine does: a cancel is heeded while all that was done can be taken back.
    const heedsCancel = attempt.direction === 'forward' && isUndoable(before, this.rules);
    if (await this.write({ status: this.runningStatus(), begins: attempt, heedsCancel })) return attempt;
    this.state = before;
    takeBack();
    return undefined;
  }

  /** Counts the run in the state and tells of it. */
  private beginRun(index: number): Run {
    const direction = this.state.direction;
    const step = this.state.steps[index];
    if (step === undefined) throw new Error('no such step');
    const number = (direction === 'forward' ? step.attempts : step.undoAttempts) + 1;
    const change =
      direction === 'forward' ? { attempts: number, status: 'running' as const } : { undoAttempts: number, status: 'undoing' as const };
    this.state = { ...this.state, steps: this.state.steps.map((s, i) => (i === index ? { ...s, ...change } : s)) };
    this.news.tellBeginning(step, { index, direction, number });
    return { index, direction, number };
  }

  private async execute(index: number, attempt: Run): Promise<Outcome> {
    const step = this.kind.steps[index];
    if (step === undefined) throw new Error('no such step');
    const aborter = new AbortController();
    const release = this.lease.onInterrupt(() => {
      // What began at a point of no return is seen through: aborting it would only make its outcome unknown.
      if (step.pointOfNoReturn !== true || this.lease.lost) aborter.abort('interrupted');
    });
    const timeOut = () => {
      aborter.abort('timeout');
    };
    const timer = setTimeout(timeOut, step.attemptTimeoutMs);
    try {
      const within = currentContext() ?? contextOf(this.loaded.job);
      const context = this.stepContext(step.name, attempt, aborter.signal);
      const act = attempt.direction === 'forward' ? (given: StepContext<unknown>) => step.run(given) : step.undo;
      if (typeof act !== 'function') return { outcome: 'done' };
      const name = attempt.direction === 'forward' ? step.name : `${step.name}:undo`;
      return await runInContext({ ...within, step: name }, () =>
        workPastFailpoints(this.kind, attempt, { work: () => act(context), timeOut }),
      );
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

  private stepContext(name: string, attempt: Run, signal: AbortSignal): StepContext<unknown> {
    const { job, plan } = this.loaded;
    return {
      jobId: job.job_id,
      params: job.params,
      plan,
      reason: job.reason,
      principal: job.principal,
      outputs: this.outputs,
      signals: this.loaded.signals,
      runningMs: this.stepClock.runningMs(attempt),
      fence: this.fence,
      attempt: attempt.number,
      idempotencyKey: `${job.job_id}:${name}${attempt.direction === 'undo' ? ':undo' : ''}`,
      signal,
    };
  }

  private async finish(status: TerminalJobStatus, error: Transition['error']): Promise<RunEnd> {
    this.news.tell({ type: `job_${status}`, payload: error === undefined ? {} : { error: toldFailure(error) } });
    const attempts = error?.step === undefined ? undefined : this.state.steps.find((step) => step.name === error.step)?.attempts;
    const told = error === undefined ? undefined : { ...error, ...(attempts === undefined ? {} : { attempt: attempts }) };
    await this.write({ status, error: told, release: true, finished: true });
    this.deps.metrics.finished(this.kind.kind, status, secondsSince(this.loaded.job.started_at));
    return 'finished';
  }

  /** Waits for the next action, in place or, when it is long or the replica is stopping, by giving the job up. */
  private async rest(rest: Rest, release: boolean): Promise<RunEnd | undefined> {
    const status = this.state.direction === 'undo' ? 'compensating' : rest.ms > 0 ? 'waiting' : 'running';
    await this.write({ status, rest, release });
    if (release) return 'released';
    await this.lease.sleep(rest.ms);
    return undefined;
  }

  /** Gives the job up until an operator lets it go on; undefined when one has done so meanwhile. */
  private async pause(): Promise<RunEnd | undefined> {
    const takeBack = this.news.mark();
    this.news.tell({ type: 'job_paused', payload: {} });
    const paused = await this.write({
      status: this.state.direction === 'undo' ? 'compensating' : 'waiting',
      rest: { ms: 0 },
      release: true,
      pauses: true,
    });
    if (paused) return 'released';
    takeBack();
    return undefined;
  }

  /**
   * Commits a transition with all events told since the last one. False, with nothing written, when it begins a run or pauses, and something else
   * is asked of the job. Throws Refused when the claim is over.
   */
  private async write(change: Pick<Transition, 'status'> & Partial<Transition>): Promise<boolean> {
    const { begins } = change;
    const passes = begins?.direction === 'forward' && begins.number === 1 && this.rules[begins.index]?.pointOfNoReturn === true;
    const transition: Transition = {
      jobId: this.claim.jobId,
      owner: this.lease.replica.replicaId,
      fence: this.fence,
      state: this.state,
      written: this.written,
      ended: this.ended,
      passes,
      touches: begins?.direction !== 'forward' || change.status !== this.writtenStatus,
      heedsCancel: false,
      release: false,
      pauses: false,
      finished: false,
      ...change,
    };
    const answer = await this.deps.write({ transition, commands: this.news.commands() });
    if (answer === undefined) throw new Refused();
    this.conditions = answer;
    if (!answer.pauseRequested) this.lease.unpause();
    if (!answer.written) return false;
    this.fence = answer.fence;
    this.written = this.state.steps;
    this.writtenStatus = change.status;
    const { ended } = this;
    this.ended = undefined;
    this.news.written();
    this.writeFailures = 0;
    if (ended !== undefined) await stepFailpoint(this.kind, ended, 'after_commit');
    return true;
  }

  /** After a write that failed: goes on from what the database says. False when the job is lost. */
  private async recover(error: unknown): Promise<boolean> {
    const { logger, metrics } = this.deps;
    if (!(error instanceof Refused)) {
      metrics.writeFailed();
      logger[isConnectionError(error) ? 'warn' : 'error'](
        { err: error, job_id: this.claim.jobId },
        'a transition was not written; reading the job again',
      );
      // An outcome that can't be written comes again: not in a tight loop.
      await this.lease.sleep(Math.min(200 * 2 ** Math.min(this.writeFailures++, 10), 5_000));
    }
    const loaded = await readJob(this.deps, this.lease);
    if (loaded === undefined) {
      if (error instanceof Refused) metrics.fenced();
      return false;
    }
    this.take(loaded);
    this.news.startAgain();
    return true;
  }

  private lost(why: string): RunEnd {
    this.deps.logger.warn({ job_id: this.claim.jobId, fence: this.fence, why }, 'a job was lost');
    this.deps.metrics.lost();
    return 'lost';
  }

  private runningStatus(): JobStatus {
    return this.state.direction === 'undo' ? 'compensating' : 'running';
  }
}

/** A transition was not written: a later claim has the job. */
class Refused extends Error {}
