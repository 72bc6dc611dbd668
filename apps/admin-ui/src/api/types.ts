import type { CheckVerdict, JobStatus, PlacedKind, ServiceKind, StepStatus } from '@fairlead/contracts/browser';

/** The gateway's answers, as far as the pages read them. */

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Me {
  user_id: string;
  principal: string;
  email: string;
  roles: string[];
  permissions: string[];
}

export interface User {
  user_id: string;
  email: string;
}

export interface Tenant {
  tenant_id: string;
  name: string;
  created_at: string;
  placement: Partial<Record<PlacedKind, { shard: string; revision: number }>>;
}

export interface Shard {
  kind: ServiceKind;
  shard_id: string;
  endpoints: { endpoint_id: string; url: string }[];
  weight: number;
  labels: Record<string, string>;
  state: string;
  revision: number;
  tenants: number;
}

export interface EndpointHealth {
  kind: ServiceKind;
  shard_id: string;
  endpoint_id: string;
  url: string;
  reachable: boolean;
  healthy: boolean;
  ready: boolean;
  version: string | null;
  inflight: number;
  lag: number;
  taken_at: string | null;
  problem: string | null;
  latency_ms: number;
}

export interface Snapshot {
  taken_at: string | null;
  unreachable: number;
  endpoints: EndpointHealth[];
}

/** What a gateway of the managed platform says it has applied. */
export interface AppliedPlacement {
  shard_id: string;
  endpoint_id: string;
  alive: boolean;
  epoch: number;
  revision: number;
  problem: string | null;
}

export interface PlacementSummary {
  epoch: number;
  revision: number;
  published_revision: number;
}

export interface PlanAction {
  name: string;
  description: string;
  kind: string | null;
  from_shard_id: string | null;
  to_shard_id: string | null;
}

export interface PlanCheck {
  name: string;
  verdict: CheckVerdict;
  value: string;
  limit: string;
  message: string;
}

export interface Plan {
  plan_id: string;
  kind: string;
  params: Record<string, unknown>;
  digest: string;
  actions: PlanAction[];
  checks: PlanCheck[];
  impact: { tenants: string[]; services: string[]; expected_pause_ms: number };
  reason: string;
  created_by: string;
  expires_at: string;
  needs_approval: boolean;
  approval: { approved_by: string; approved_at: string; reason: string } | null;
}

export interface JobError {
  code: string;
  message: string;
  step: string | null;
  attempt: number;
}

export interface JobStep {
  name: string;
  status: StepStatus;
  attempts: number;
  undo_attempts: number;
  started_at: string | null;
  finished_at: string | null;
  error: JobError | null;
  output: Record<string, unknown> | null;
}

/** Ids that a request can be found by, everywhere. */
export interface Origin {
  request_id: string | null;
  correlation_id: string | null;
  trace_id: string | null;
}

export interface Job extends Origin {
  job_id: string;
  kind: string;
  status: JobStatus;
  params: Record<string, unknown>;
  plan_id: string;
  plan_digest: string;
  reason: string;
  principal: string;
  steps: JobStep[];
  error: JobError | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  deadline: string | null;
  cancel_requested: boolean;
  blocked_by: string | null;
  /** The job that asked for this one. */
  parent_id: string | null;
  /** What a job that rests waits for: in words, and the signal. */
  note: string | null;
  waits_for: string | null;
  pause_requested: boolean;
  paused_at: string | null;
  paused_by: string | null;
  overdue_at: string | null;
  owner: string | null;
  fence: number;
}

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

export interface AuditRecord extends Origin {
  position: number;
  time: string;
  action: string;
  outcome: string;
  principal: string;
  via: string | null;
  tenant_id: string | null;
  resource_type: string;
  resource_id: string;
  reason: string | null;
  job_id: string | null;
  step: string | null;
  details: Record<string, unknown>;
}

export interface Readiness {
  status: 'ready' | 'degraded' | 'unavailable';
  checks: Record<string, { ok: boolean; problem?: string }>;
}
