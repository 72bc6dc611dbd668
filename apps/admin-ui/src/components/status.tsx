import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { CheckVerdict, JobStatus, StepStatus } from '@fairlead/contracts/browser';
import type { ReactNode } from 'react';
import type { EndpointHealth, Job } from '../api/types.js';
import { formatName } from '../format.js';

type Type = StatusIndicatorProps.Type;

/** Keyed by text: the gateway may name what this page, loaded before an upgrade, does not know. */
type Types = Readonly<Partial<Record<string, Type>>>;

const jobTypes: Types = {
  queued: 'pending',
  running: 'in-progress',
  waiting: 'pending',
  compensating: 'in-progress',
  succeeded: 'success',
  failed: 'error',
  cancelled: 'stopped',
  needs_attention: 'warning',
} satisfies Record<JobStatus, Type>;

const stepTypes: Types = {
  pending: 'pending',
  running: 'in-progress',
  waiting: 'pending',
  succeeded: 'success',
  failed: 'error',
  undoing: 'in-progress',
  undone: 'stopped',
  skipped: 'not-started',
} satisfies Record<StepStatus, Type>;

const verdictTypes: Types = { pass: 'success', warn: 'warning', block: 'error' } satisfies Record<CheckVerdict, Type>;
const outcomeTypes: Types = { succeeded: 'success', failed: 'error', requested: 'info', denied: 'error' };

const unknown: Type = 'info';

/** One or two words, never broken. */
function Label({ type, children }: { readonly type: Type; readonly children: ReactNode }) {
  return (
    <span className="whole">
      <StatusIndicator type={type}>{children}</StatusIndicator>
    </span>
  );
}

/** A job that is paused is told so: its status says how far it is. */
export function JobStatusLabel({ job: { status, paused_at: pausedAt } }: { readonly job: Pick<Job, 'status' | 'paused_at'> }) {
  if (pausedAt !== null) return <Label type="stopped">Paused</Label>;
  return <Label type={jobTypes[status] ?? unknown}>{formatName(status)}</Label>;
}

export function StepStatusLabel({ status }: { readonly status: StepStatus }) {
  return <Label type={stepTypes[status] ?? unknown}>{formatName(status)}</Label>;
}

export function VerdictLabel({ verdict }: { readonly verdict: CheckVerdict }) {
  return <Label type={verdictTypes[verdict] ?? unknown}>{formatName(verdict)}</Label>;
}

export function OutcomeLabel({ outcome }: { readonly outcome: string }) {
  return <Label type={outcomeTypes[outcome] ?? unknown}>{formatName(outcome)}</Label>;
}

export function HealthLabel({ endpoint }: { readonly endpoint: EndpointHealth }) {
  if (!endpoint.reachable) return <Label type="error">Unreachable</Label>;
  if (!endpoint.healthy) return <Label type="error">Unhealthy</Label>;
  return endpoint.ready ? <Label type="success">Ready</Label> : <Label type="warning">Not ready</Label>;
}
