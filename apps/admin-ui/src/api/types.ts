import type { Answer, Schema } from '@fairlead/api-client';

/** The gateway's answers by the names that the pages have for them; the API's document says what they are. */

export type AppliedPlacement = Schema<'AppliedPlacement'>;
export type AuditRecord = Schema<'AuditRecord'>;
export type DataTable = Schema<'DataTable'>;
export type EndpointHealth = Schema<'EndpointHealth'>;
export type Job = Schema<'Job'>;
export type JobError = Schema<'JobError'>;
export type JobStep = Schema<'Step'>;
export type Me = Schema<'Me'>;
export type Plan = Schema<'Plan'>;
export type Readiness = Pick<Answer<'probes.ready'>, 'status' | 'checks'>;
export type Shard = Schema<'Shard'>;
export type Tenant = Schema<'Tenant'>;
export type TokenAnswer = Schema<'Access'>;

/** A page of any list. */
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** An event of a job's stream, which the document does not describe. */
export interface JobEvent {
  position: number;
  type: string;
  recorded_at: string;
  step: string | null;
  payload: {
    step?: string;
    attempt?: number;
    delay_ms?: number;
    /** The run that began with this event. */
    begins?: { step: string; attempt: number; undo?: true };
    error?: { code: string; message: string };
    output?: Record<string, unknown>;
    signal?: string;
  } & Record<string, unknown>;
}
