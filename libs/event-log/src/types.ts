import type { EventCatalogue, PayloadOf, ProductEvents } from '@fairlead/contracts';

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
  /** The IP address that the principal's request came from. */
  source_address?: string;
}

interface NewEventOf<Aggregate, Type, EventPayload> {
  aggregateType: Aggregate;
  aggregateId: string;
  /** The aggregate's version before this event; 0 for "must not exist", left out for "any". */
  expectedVersion?: number;
  type: Type;
  /** Of the version that the catalogue says is written now. */
  payload: EventPayload;
  /** What is not given comes from the context at hand. */
  meta?: Partial<EventMeta>;
}

/** An event to be appended: one of the product's catalogue, or of another one. */
export type NewEvent<Catalogue extends EventCatalogue = ProductEvents> = {
  [Aggregate in keyof Catalogue & string]: {
    [Type in keyof Catalogue[Aggregate]['types'] & string]: NewEventOf<Aggregate, Type, PayloadOf<Catalogue[Aggregate]['types'][Type]>>;
  }[keyof Catalogue[Aggregate]['types'] & string];
}[keyof Catalogue & string];

/**
 * Events that become part of the log together or not at all. The id makes a repeat safe; who appends in a transaction that can't be
 * repeated by itself, since what else it writes would refuse that, needs none.
 */
export interface Command<Catalogue extends EventCatalogue = ProductEvents> {
  commandId?: string;
  events: readonly NewEvent<Catalogue>[];
}

/** A command of whatever catalogue. */
export interface AnyCommand {
  commandId?: string;
  events: readonly NewEventOf<string, string, unknown>[];
}

export interface EventWith<Payload, Meta> {
  position: number;
  aggregateType: string;
  aggregateId: string;
  version: number;
  type: string;
  schemaVersion: number;
  payload: Payload;
  meta: Meta;
  recordedAt: Date;
}

/** An event as the log keeps it. */
export type StoredEvent = EventWith<Record<string, unknown>, EventMeta>;

/** An event whose payload and metadata are JSON still, for who passes them on unread. */
export type EventText = EventWith<string, string>;

/** The same event, its JSON written out. */
export function textOf(event: StoredEvent): EventText {
  return { ...event, payload: JSON.stringify(event.payload), meta: JSON.stringify(event.meta) };
}

/** An event's metadata by name. None when it is no object: the log refuses that now, and an older or foreign writer may have stored it. */
export function metaOf({ meta }: { readonly meta: unknown }): Readonly<Partial<Record<keyof EventMeta, unknown>>> {
  return typeof meta === 'object' && meta !== null ? meta : {};
}

export type AppendOutcome =
  | { status: 'ok'; firstPosition: number; lastPosition: number; repeated: boolean }
  | { status: 'conflict'; aggregateType: string; aggregateId: string; expected: number; actual: number };
