/** Rows of the job tables. */
import type { JobStatus, StepStatus } from '@fairlead/contracts';
import type { Failure } from '../domain/machine.js';
import type { JobPrincipal, StepFailure } from '../engine/kind.js';

export interface JobRow {
  job_id: string;
  seq: number;
  kind: string;
  version: number;
  status: JobStatus;
  params: unknown;
  plan_id: string;
  plan_digest: string;
  reason: string;
  principal: JobPrincipal;
  locks: string[];
  tenant_id: string | null;
  parent_id: string | null;
  direction: 'forward' | 'undo';
  /** The step at hand, while the job is being undone; on the way forward its steps say which that is. */
  cursor: number;
  failure: Failure | null;
  owner: string | null;
  fence: number;
  /** When a job that rests goes on at the latest; the signal that it waits for, and in words. */
  wake_at: Date;
  waits_for: string | null;
  note: string | null;
  pause_requested_at: Date | null;
  paused_at: Date | null;
  paused_by: string | null;
  deadline: Date;
  overdue_at: Date | null;
  cancel_requested_at: Date | null;
  error: (StepFailure & { step?: string; attempt?: number }) | null;
  request_id: string;
  correlation_id: string;
  traceparent: string;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

/** How far a step is. */
export interface StepProgress {
  name: string;
  status: StepStatus;
  attempts: number;
  undo_attempts: number;
  failures: number;
  undo_failures: number;
  output: Record<string, unknown> | null;
  running_ms: number | null;
  undo_running_ms: number | null;
}

export interface StepRow extends StepProgress {
  index: number;
  error: (StepFailure & { attempt?: number }) | null;
  started_at: Date | null;
  finished_at: Date | null;
}

export interface LoadedJob {
  job: JobRow & { deadline_passed: boolean };
  steps: StepRow[];
}

/** Of a job's columns. */
export const jobTimes = [
  'wake_at',
  'pause_requested_at',
  'paused_at',
  'deadline',
  'overdue_at',
  'cancel_requested_at',
  'created_at',
  'started_at',
  'finished_at',
] as const;
