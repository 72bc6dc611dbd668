/**
 * Holds events against a catalogue: what is appended against the version that is written now, what is read against the
 * version that it was written in, brought to the one of now by the upcasters in between.
 */
import {
  eventCatalogue,
  FairleadError,
  type EventCatalogue,
  type EventType,
  type Payload,
  type PayloadOf,
  type ProductEvents,
} from '@fairlead/contracts';
import type { StoredEvent } from './types.js';

/** An event of a catalogue as it is read: its type says which payload it has, always of the version of now. */
export type DecodedEvent<Catalogue extends EventCatalogue = ProductEvents> = {
  [Aggregate in keyof Catalogue & string]: {
    [Type in keyof Catalogue[Aggregate]['types'] & string]: Omit<StoredEvent, 'aggregateType' | 'type' | 'payload'> & {
      aggregateType: Aggregate;
      type: Type;
      payload: PayloadOf<Catalogue[Aggregate]['types'][Type]>;
    };
  }[keyof Catalogue[Aggregate]['types'] & string];
}[keyof Catalogue & string];

/** What a schema found wrong, as zod tells it. */
type Issue = NonNullable<ReturnType<EventType['schemas'][number]['safeParse']>['error']>['issues'][number];

/** An event of the log that this release can't read: of a type or version that it does not know, or with another payload than its version has. */
export class UnreadableEvent extends Error {
  constructor(
    readonly event: Pick<StoredEvent, 'position' | 'aggregateType' | 'aggregateId' | 'type' | 'schemaVersion'>,
    readonly problem: 'unknown_type' | 'unknown_version' | 'invalid_payload',
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${nameOf(event)} version ${String(event.schemaVersion)} at position ${String(event.position)} ${message}`, options);
    this.name = 'UnreadableEvent';
  }
}

/**
 * Checks what is about to be appended; answers the schema version it is written in. Throws `unknown_event`, and
 * `invalid_argument` with the fields at fault.
 */
export function checkEvent(event: { aggregateType: string; type: string; payload: unknown }, catalogue: EventCatalogue): number {
  const known = findType(catalogue, event.aggregateType, event.type);
  if (known === undefined) throw new FairleadError('unknown_event', `there is no event type ${nameOf(event)}`);
  const version = known.schemas.length;
  const error = known.schemas[version - 1]?.safeParse(event.payload).error;
  if (error === undefined) return version;
  const fields = fieldsOf(error.issues);
  throw new FairleadError('invalid_argument', `event ${nameOf(event)} version ${String(version)}: ${told(fields)}`, {
    details: { aggregate_type: event.aggregateType, type: event.type, schema_version: version, fields },
  });
}

/**
 * Brings an event of the log to the version of now; throws UnreadableEvent. A field that only a later release knows is
 * let through: it was added to a version that this one reads rightly without it.
 */
export function decodeEvent(event: StoredEvent): DecodedEvent;
export function decodeEvent<Catalogue extends EventCatalogue>(event: StoredEvent, catalogue: Catalogue): DecodedEvent<Catalogue>;
export function decodeEvent(event: StoredEvent, catalogue: EventCatalogue = eventCatalogue): DecodedEvent<EventCatalogue> {
  const known = findType(catalogue, event.aggregateType, event.type);
  if (known === undefined) throw new UnreadableEvent(event, 'unknown_type', 'is of a type that this release does not know');
  const version = known.schemas.length;
  if (event.schemaVersion < 1 || event.schemaVersion > version) {
    throw new UnreadableEvent(
      event,
      'unknown_version',
      `is of a version that this release does not know; the last one is ${String(version)}`,
    );
  }
  const payload = upcast(event, known);
  const error = known.schemas[version - 1]?.safeParse(payload).error;
  const issues = error?.issues.filter((issue) => !isOnlyMore(issue)) ?? [];
  if (issues.length > 0) throw new UnreadableEvent(event, 'invalid_payload', `does not fit: ${told(fieldsOf(issues))}`, { cause: error });
  return { ...event, schemaVersion: version, payload };
}

function upcast(event: StoredEvent, known: EventType): Payload {
  try {
    return known.upcasters.slice(event.schemaVersion - 1).reduce((payload, next) => next(payload), event.payload);
  } catch (error) {
    throw new UnreadableEvent(event, 'invalid_payload', 'does not fit: it could not be brought to the version of now', { cause: error });
  }
}

function findType(catalogue: EventCatalogue, aggregateType: string, type: string): EventType | undefined {
  const types = Object.hasOwn(catalogue, aggregateType) ? catalogue[aggregateType]?.types : undefined;
  return types !== undefined && Object.hasOwn(types, type) ? types[type] : undefined;
}

/** True when all that is wrong is a field too many. */
function isOnlyMore(issue: Issue): boolean {
  if (issue.code === 'unrecognized_keys') return true;
  return issue.code === 'invalid_union' && issue.errors.some((branch) => branch.length > 0 && branch.every(isOnlyMore));
}

function nameOf({ aggregateType, type }: { aggregateType: string; type: string }): string {
  return `${aggregateType}.${type}`;
}

function fieldsOf(issues: readonly Issue[]): { field: string; message: string }[] {
  return issues.map((issue) => ({ field: issue.path.map(String).join('.'), message: issue.message }));
}

function told(fields: readonly { field: string; message: string }[]): string {
  return fields.map(({ field, message }) => `${field === '' ? 'payload' : field}: ${message}`).join('; ');
}
