/** An event as consumers of EVT receive it. */
import { contextHeaders, externalIdPattern, namePattern, type Topology } from '@fairlead/contracts';
import { traceparentOf } from '@fairlead/telemetry';
import { metaOf, type EventText, type StoredEvent } from './types.js';

/** Header with the event's position, for who does not parse the payload. */
export const positionHeader = 'fairlead-position';
/** Header with the incarnation of the log that the position belongs to. */
export const incarnationHeader = 'fairlead-incarnation';

/** An event to be published. */
export interface EventMessage {
  readonly subject: string;
  /** JSON of {@link wireForm}. */
  readonly data: string;
  readonly headers: Record<string, string>;
  /** The span that the event was recorded in is kept: the message may be one of its trace. */
  readonly kept: boolean;
}

/** Subject, JSON payload and headers of an event. Metadata that is not well-formed stays out of the headers. */
export function encodeEvent(topology: Topology, event: EventText, incarnation: string): EventMessage {
  const { position, aggregateType, aggregateId, version, type, schemaVersion, payload, meta, recordedAt } = event;
  const parsed = metaOf({ meta: JSON.parse(meta) as unknown });
  const data =
    `{"position":${String(position)},"aggregate_type":${JSON.stringify(aggregateType)},"aggregate_id":${JSON.stringify(aggregateId)}` +
    `,"version":${String(version)},"type":${JSON.stringify(type)},"schema_version":${String(schemaVersion)}` +
    `,"payload":${plain(payload)},"meta":${plain(meta)},"recorded_at":"${recordedAt.toISOString()}"}`;
  return {
    subject: topology.subjects.event(aggregateType, aggregateId, type),
    data,
    headers: { [incarnationHeader]: incarnation, ...headersOf(position, parsed) },
    kept: parsed.span_id !== undefined,
  };
}

/**
 * JSON of the log as it goes into a message: as it is, since to read it and write it anew would be most of the work. But the log spells
 * numbers out, 1e300 in 301 digits, and keeps ones that no reader has: those are written as JavaScript does, which is what was appended.
 */
function plain(json: string): string {
  return /\d{16}/.test(json) ? JSON.stringify(JSON.parse(json)) : json;
}

/** The ids of the request that an event belongs to, as headers. */
export function headersOf(position: number, meta: ReturnType<typeof metaOf>): Record<string, string> {
  const found: Record<string, string> = { [positionHeader]: String(position) };
  const take = (name: string, value: unknown, pattern: RegExp) => {
    if (typeof value === 'string' && pattern.test(value)) found[name] = value;
  };
  take(contextHeaders.requestId, meta.request_id, externalIdPattern);
  take(contextHeaders.correlationId, meta.correlation_id, externalIdPattern);
  take(contextHeaders.tenantId, meta.tenant_id, namePattern);
  take(contextHeaders.jobId, meta.job_id, externalIdPattern);
  take(contextHeaders.step, meta.step, externalIdPattern);
  if (typeof meta.trace_id === 'string' && /^(?!0{32})[0-9a-f]{32}$/.test(meta.trace_id)) {
    const kept = typeof meta.span_id === 'string' && /^(?!0{16})[0-9a-f]{16}$/.test(meta.span_id) ? meta.span_id : undefined;
    // Where no span was kept, the position stands for one, so that it is the same at each publish.
    found[contextHeaders.traceparent] = traceparentOf(meta.trace_id, kept ?? position.toString(16).padStart(16, '0'), kept !== undefined);
  }
  return found;
}

/** An event as consumers parse it. */
export function wireForm(event: StoredEvent) {
  return {
    position: event.position,
    aggregate_type: event.aggregateType,
    aggregate_id: event.aggregateId,
    version: event.version,
    type: event.type,
    schema_version: event.schemaVersion,
    payload: event.payload,
    meta: event.meta,
    recorded_at: event.recordedAt.toISOString(),
  };
}

/** The event that a message of EVT holds; undefined when it holds something else. */
export function eventOfMessage(data: string): StoredEvent | undefined {
  let wire: Partial<ReturnType<typeof wireForm>> | null;
  try {
    wire = JSON.parse(data) as Partial<ReturnType<typeof wireForm>> | null;
  } catch {
    return undefined;
  }
  const { position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at } = wire ?? {};
  if (position === undefined || aggregate_type === undefined || aggregate_id === undefined || version === undefined) return undefined;
  if (type === undefined || schema_version === undefined || payload === undefined || meta === undefined || recorded_at === undefined)
    return undefined;
  return {
    position,
    aggregateType: aggregate_type,
    aggregateId: aggregate_id,
    version,
    type,
    schemaVersion: schema_version,
    payload,
    meta,
    recordedAt: new Date(recorded_at),
  };
}
