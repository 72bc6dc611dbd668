/** How event types are declared: what each carries, by version, and who may be told of it. */
import type { z } from 'zod';
import type { Permission } from '../permissions.js';

/** A payload as it is stored. */
export type Payload = Record<string, unknown>;

/** One event type: a schema for each version it ever had, and what makes each version of the one before. */
export interface EventType {
  /** `schemas[0]` is of version 1; the last one is what is written now. */
  readonly schemas: readonly z.ZodType[];
  /** `upcasters[0]` makes version 2 of version 1, and so on: one less than there are schemas. Pure. */
  readonly upcasters: readonly ((payload: Payload) => Payload)[];
}

/** What an audience is judged by: what the owning service wrote, never what a caller may choose, such as a request's headers. */
export interface EventFacts {
  readonly aggregateType: string;
  readonly aggregateId: string;
  readonly type: string;
  readonly payload: Payload;
}

/** The events of one aggregate type. */
export interface AggregateEvents {
  /** What a reader of these events must be permitted to read. */
  readonly permission: Permission;
  /** The tenant whose business an event is; undefined: the platform's alone. */
  tenantOf?(event: EventFacts): string | undefined;
  /** The node whose business an event is; undefined: no node's. */
  nodeOf?(event: EventFacts): string | undefined;
  readonly types: Readonly<Record<string, EventType>>;
}

/** All aggregate types. */
export type EventCatalogue = Readonly<Record<string, AggregateEvents>>;
