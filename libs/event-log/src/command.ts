/** Turns a command into what log.append takes; refuses here what the log would refuse, so that it fails alone. */
import { FairleadError, type EventCatalogue } from '@fairlead/contracts';
import { isSampled, spanIdOf, traceIdOf, type RequestContext } from '@fairlead/telemetry';
import { checkEvent } from './catalogue.js';
import type { AnyCommand, EventMeta } from './types.js';

/** The largest event, payload and metadata together, in bytes of JSON. */
export const maxEventBytes = 256 * 1024;
export const maxEventsPerCommand = 1_000;
/** The largest command, all its events together, in bytes of JSON. */
export const maxCommandBytes = 4 * 1024 * 1024;
/** Objects and lists within each other, in a payload or metadata. */
const maxDepth = 64;
/** Ids and event types, in bytes of UTF-8. */
const maxNameBytes = 255;

type AnyEvent = AnyCommand['events'][number];

export interface EncodedEvent {
  readonly aggregateType: string;
  readonly aggregateId: string;
  /** null for any. */
  readonly expectedVersion: number | null;
  readonly type: string;
  readonly schemaVersion: number;
  /** JSON, like `meta`. */
  readonly payload: string;
  readonly meta: string;
}

export interface EncodedCommand {
  /** null for none. */
  readonly id: string | null;
  readonly events: readonly EncodedEvent[];
  /** What its events take, in bytes of JSON. */
  readonly bytes: number;
}

/**
 * Encodes a command with the metadata that its events do not give taken from a context. Throws `too_large`,
 * `invalid_argument`, or `unknown_event` for what the catalogue does not have.
 */
export function encodeCommand(command: AnyCommand, context: RequestContext | undefined, catalogue: EventCatalogue): EncodedCommand {
  if (command.commandId !== undefined) requireName('a command id', command.commandId);
  if (command.events.length === 0 || command.events.length > maxEventsPerCommand) {
    throw new FairleadError('invalid_argument', `a command has 1 to ${String(maxEventsPerCommand)} events`);
  }
  let bytes = 0;
  const events = command.events.map((event) => {
    const encoded = encodeEvent(event, context, catalogue);
    const size = Buffer.byteLength(encoded.payload) + Buffer.byteLength(encoded.meta);
    if (size > maxEventBytes) throw new FairleadError('too_large', `event ${event.type} is larger than ${String(maxEventBytes)} bytes`);
    bytes += size;
    return encoded;
  });
  if (bytes > maxCommandBytes) throw new FairleadError('too_large', `a command is larger than ${String(maxCommandBytes)} bytes`);
  return { id: command.commandId ?? null, events, bytes };
}

function encodeEvent(event: AnyEvent, context: RequestContext | undefined, catalogue: EventCatalogue): EncodedEvent {
  requireName('an event type', event.type);
  requireName('an aggregate id', event.aggregateId);
  if (event.expectedVersion !== undefined) requireVersion(event.expectedVersion);
  const schemaVersion = checkEvent(event, catalogue);
  return {
    aggregateType: event.aggregateType,
    aggregateId: event.aggregateId,
    expectedVersion: event.expectedVersion ?? null,
    type: event.type,
    schemaVersion,
    payload: encodeJson(event, event.payload),
    meta: encodeJson(event, metaOf(event.meta, context)),
  };
}

function encodeJson(event: AnyEvent, value: unknown): string {
  const json = JSON.stringify(value);
  if (!isStorable(json))
    throw new FairleadError('invalid_argument', `event ${event.type} holds text that is not valid Unicode, or a NUL character`);
  if (mayNest(json) && depthOf(json) > maxDepth)
    throw new FairleadError('invalid_argument', `event ${event.type} nests more than ${String(maxDepth)} levels`);
  return json;
}

/** Whether there are enough brackets, also those in texts, to nest too deep: hardly ever, and quicker to find than how deep it is. */
function mayNest(json: string): boolean {
  let found = 0;
  for (const bracket of '{[')
    for (let at = json.indexOf(bracket); at !== -1; at = json.indexOf(bracket, at + 1)) if ((found += 1) > maxDepth) return true;
  return false;
}

/** How many levels of objects and lists are within each other. */
function depthOf(json: string): number {
  let [depth, deepest] = [0, 0];
  for (let at = 0; at < json.length; at += 1) {
    const char = json[at];
    if (char === '{' || char === '[') deepest = Math.max(deepest, (depth += 1));
    else if (char === '}' || char === ']') depth -= 1;
    else if (char === '"') at = endOfText(json, at);
  }
  return deepest;
}

/** Where the text ends that begins at a quote. */
function endOfText(json: string, from: number): number {
  let at = from + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}

/** NUL and halves of surrogate pairs, which jsonb refuses; JSON.stringify writes both as \u escapes. */
function isStorable(json: string): boolean {
  return !json.includes('\\u') || !/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(json);
}

function requireName(what: string, value: string): void {
  if (value === '' || !value.isWellFormed() || value.includes('\0') || Buffer.byteLength(value) > maxNameBytes) {
    throw new FairleadError('invalid_argument', `${what} has 1 to ${String(maxNameBytes)} bytes of text`);
  }
}

function requireVersion(expected: number): void {
  if (!Number.isSafeInteger(expected) || expected < 0)
    throw new FairleadError('invalid_argument', 'an expected version is an integer from 0 on');
}

function metaOf(given: Partial<EventMeta> = {}, context: RequestContext | undefined): EventMeta {
  const meta = { ...metaOfContext(context), ...given };
  return { ...meta, principal: meta.principal ?? 'system', request_id: meta.request_id ?? '', correlation_id: meta.correlation_id ?? '' };
}

function metaOfContext(context: RequestContext | undefined): Partial<EventMeta> {
  if (context === undefined) return {};
  return {
    principal: context.principal,
    via: context.via,
    tenant_id: context.tenantId,
    request_id: context.requestId,
    correlation_id: context.correlationId,
    trace_id: traceIdOf(context),
    span_id: isSampled(context) ? spanIdOf(context) : undefined,
    job_id: context.jobId,
    step: context.step,
    source_address: context.sourceAddress,
  };
}
