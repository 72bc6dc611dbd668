import type { AggregateType } from '@fairlead/contracts';

/** Who and why, with the ids of the request: stands beside every event. */
export interface EventMeta {
  principal: string;
  via?: string;
  tenant_id?: string;
  org_id?: string;
  request_id: string;
  correlation_id: string;
  trace_id?: string;
  /** The span that the event was recorded in, when the spans of its trace are kept. */
  span_id?: string;
  job_id?: string;
  step?: string;
  reason?: string;
}

export interface NewEvent {
  aggregateType: AggregateType;
  aggregateId: string;
  /** The aggregate's version before this event; 0 for "must not exist", left out for "any". */
  expectedVersion?: number;
  type: string;
  schemaVersion?: number;
  payload: Record<string, unknown>;
  /** What is not given comes from the context at hand. */
  meta?: Partial<EventMeta>;
}

/** Events that become part of the log together or not at all; the id makes a repeat safe. */
export interface Command {
  commandId: string;
  events: readonly NewEvent[];
}

export interface StoredEvent {
  position: number;
  aggregateType: string;
  aggregateId: string;
  version: number;
  type: string;
  schemaVersion: number;
  payload: Record<string, unknown>;
  meta: EventMeta;
  recordedAt: Date;
}

export type AppendOutcome =
  | { status: 'ok'; firstPosition: number; lastPosition: number; repeated: boolean }
  | { status: 'conflict'; aggregateType: string; aggregateId: string; expected: number; actual: number };
