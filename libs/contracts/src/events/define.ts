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
  /** As it was written or, better, upcast: a tenant may stand in later versions alone. */
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
  /**
   * What a reader who is kept to a tenant or node sees of each type's payload: fields, or `field.inner`. What is not
   * named, and any type that is not, is kept from them.
   */
  readonly scoped?: Readonly<Record<string, readonly string[]>>;
  readonly types: Readonly<Record<string, EventType>>;
}

/** All aggregate types. */
export type EventCatalogue = Readonly<Record<string, AggregateEvents>>;

/** An event type whose last schema is `Current`. */
export interface EventTypeOf<Current extends z.ZodType> extends EventType {
  readonly schemas: readonly [...z.ZodType[], Current];
}

/** An event type of version 1. */
export function eventType<Schema extends z.ZodType>(schema: Schema): EventTypeOf<Schema> {
  return { schemas: [schema], upcasters: [] };
}

/** An event type with one version more: its schema, and what makes such a payload of one of the version before. */
export function nextVersion<Schema extends z.ZodType>(
  earlier: EventType,
  upcast: (payload: Payload) => Payload,
  schema: Schema,
): EventTypeOf<Schema> {
  return { schemas: [...earlier.schemas, schema], upcasters: [...earlier.upcasters, upcast] };
}

/** A value that nobody is to change. */
type Immutable<Value> = Value extends object ? { readonly [Key in keyof Value]: Immutable<Value[Key]> } : Value;

type LastOf<Schemas extends readonly z.ZodType[]> = Schemas extends readonly [...unknown[], infer Last extends z.ZodType]
  ? Last
  : Schemas[number];

/** The payload of an event type as it is written now. */
export type PayloadOf<Type extends EventType> =
  unknown extends z.output<LastOf<Type['schemas']>> ? Readonly<Payload> : Immutable<z.output<LastOf<Type['schemas']>>>;
