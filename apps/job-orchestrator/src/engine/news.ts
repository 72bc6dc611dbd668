import type { EventBody } from '@fairlead/contracts';
import { prepareCommand, type NewEvent, type PreparedCommand } from '@fairlead/event-log';
import type { Failure, StepState } from '../domain/machine.js';
import { runInContext } from '@fairlead/telemetry';
import type { Claim } from '../store/claim.js';
import type { NewJob, StartTold } from '../store/insert.js';
import type { JobRow } from '../store/rows.js';
import type { Run } from '../store/transition.js';
import { jobEvent, toldFailure } from './events.js';
import { contextOf } from './job-context.js';
import { rulesOf, type JobKind } from './kind.js';

/**
 * What the log is to be told when a job is claimed while it is made, and its first step begins with that; undefined when that has to
 * be written by itself, as a point of no return.
 */
export function startTold(kind: JobKind, job: NewJob, replica: string): StartTold | undefined {
  const [first] = kind.steps;
  if (first === undefined || rulesOf(kind)[0]?.pointOfNoReturn === true) return undefined;
  const { job_id: jobId, tenant_id: tenantId, reason } = job;
  // Its fence is drawn with the claim.
  const payload = { replica, fence: 0, begins: { step: first.name, attempt: 1 } };
  const event = jobEvent({ jobId, tenantId }, { type: 'job_started', payload }, { reason });
  const [encoded] = runInContext(contextOf(job), () => prepareCommand({ events: [event] })).events;
  if (encoded === undefined) throw new Error('a command has its events');
  return { type: encoded.type, schema_version: encoded.schemaVersion, payload: event.payload, meta: encoded.meta };
}

/** What the log is to be told of a job with its next transition. */
export class JobNews {
  private events: readonly NewEvent[] = [];
  private readonly claimCommandId: string;
  /** Tells of the claim; with the first transition that is written. */
  private readonly claimEvent: NewEvent;
  /** The same, perhaps with the run that begins with it; undefined once it is written. */
  private claimed: NewEvent | undefined;
  /** It may be in the log already, perhaps with a run that began with it: the next that begins is told by itself. */
  private unsure: boolean;

  constructor(
    private readonly job: JobRow,
    { how, previousOwner, begun, loaded }: Claim,
    replica: string,
  ) {
    const payload = { replica, fence: job.fence, ...(previousOwner === undefined ? {} : { previous_owner: previousOwner }) };
    this.claimEvent = this.eventOf({ type: `job_${how}`, payload });
    this.claimed = begun === true ? undefined : this.claimEvent;
    this.unsure = loaded === undefined;
    this.claimCommandId = `${job.job_id}:claim:${String(job.fence)}`;
  }

  tell(body: EventBody<'job'>, step?: string): void {
    this.events = [...this.events, this.eventOf(body, step)];
  }

  tellCompensating(failure: Failure | undefined): void {
    if (failure !== undefined) this.tell({ type: 'job_compensating', payload: { error: toldFailure(failure) } });
  }

  /** A run begins: told with the last event that is told anyway, since an event of its own would make the log longer by half. */
  tellBeginning(step: StepState, { direction, number }: Run): void {
    const run = { step: step.name, attempt: number };
    const begins = direction === 'forward' ? run : { ...run, undo: true };
    const withBeginning = (event: NewEvent) => ({ ...event, payload: { ...event.payload, begins } }) as NewEvent;
    const last = this.events.at(-1);
    if (last !== undefined) {
      this.events = [...this.events.slice(0, -1), withBeginning(last)];
    } else if (this.claimed !== undefined && !this.unsure) {
      this.claimed = withBeginning(this.claimed);
    } else if (this.unsure || number === 1 || (direction === 'forward' ? step.failures : step.undoFailures) > 0) {
      // A run after a wait is no news; the first one is, and one after a failure.
      this.tell({ type: direction === 'forward' ? 'step_started' : 'step_undo_started', payload: run }, step.name);
    }
  }

  /** Answers how to take back what is told from here on. */
  mark(): () => void {
    const { events, claimed } = this;
    return () => {
      this.events = events;
      this.claimed = claimed;
    };
  }

  /** For the log. A claim is told once, also when it is not known whether the transition was written. */
  commands(): PreparedCommand[] {
    const { claimed, events } = this;
    return [
      ...(claimed === undefined ? [] : [prepareCommand({ commandId: this.claimCommandId, events: [claimed] })]),
      ...(events.length === 0 ? [] : [prepareCommand({ events })]),
    ];
  }

  /** All of it is in the log. */
  written(): void {
    this.events = [];
    this.claimed = undefined;
    this.unsure = false;
  }

  /** The job goes on from what the database says; what was told may be in the log or not, and what was to begin may not begin now. */
  startAgain(): void {
    this.events = [];
    this.unsure = true;
    if (this.claimed !== undefined) this.claimed = this.claimEvent;
  }

  private eventOf(body: EventBody<'job'>, step?: string): NewEvent {
    const { job_id: jobId, tenant_id: tenantId, reason } = this.job;
    return jobEvent({ jobId, tenantId: tenantId ?? undefined }, body, { reason, ...(step === undefined ? {} : { step }) });
  }
}
