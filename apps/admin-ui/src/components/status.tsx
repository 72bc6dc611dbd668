import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { CheckVerdict, JobStatus, StepStatus } from '@fairlead/contracts/browser';
import type { EndpointHealth } from '../api/types.js';
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

export function JobStatusLabel({ status }: { readonly status: JobStatus }) {
  return <StatusIndicator type={jobTypes[status] ?? unknown}>{formatName(status)}</StatusIndicator>;
}

export function StepStatusLabel({ status }: { readonly status: StepStatus }) {
  return <StatusIndicator type={stepTypes[status] ?? unknown}>{formatName(status)}</StatusIndicator>;
}

export function VerdictLabel({ verdict }: { readonly verdict: CheckVerdict }) {
  return <StatusIndicator type={verdictTypes[verdict] ?? unknown}>{formatName(verdict)}</StatusIndicator>;
}

export function OutcomeLabel({ outcome }: { readonly outcome: string }) {
  return <StatusIndicator type={outcomeTypes[outcome] ?? unknown}>{formatName(outcome)}</StatusIndicator>;
}

export function HealthLabel({ endpoint }: { readonly endpoint: EndpointHealth }) {
  if (!endpoint.reachable) return <StatusIndicator type="error">Unreachable</StatusIndicator>;
  if (!endpoint.healthy) return <StatusIndicator type="error">Unhealthy</StatusIndicator>;
  return endpoint.ready ? (
    <StatusIndicator type="success">Ready</StatusIndicator>
  ) : (
    <StatusIndicator type="warning">Not ready</StatusIndicator>
  );
}
