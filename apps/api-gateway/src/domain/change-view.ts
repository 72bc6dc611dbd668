/** An event as readers of the change stream get it: docs/change-stream.md. */
import type { Payload } from '@fairlead/contracts';
import type { EventMeta } from '@fairlead/event-log';
import type { Audience } from './audience.js';

export interface ChangeView {
  readonly cursor: string;
  readonly position: number;
  readonly aggregate_type: string;
  readonly aggregate_id: string;
  readonly version: number;
  readonly type: string;
  readonly schema_version: number;
  readonly recorded_at: string;
  readonly tenant_id: string | null;
  readonly node_id: string | null;
  readonly payload: Payload;
  readonly meta: Readonly<Partial<Record<keyof EventMeta, unknown>>>;
}

/** An event in the current version of its type. */
export interface CurrentEvent {
  readonly position: number;
  readonly aggregateType: string;
  readonly aggregateId: string;
  readonly version: number;
  readonly type: string;
  readonly schemaVersion: number;
  readonly payload: Payload;
  readonly meta: EventMeta;
  readonly recordedAt: Date;
}

/**
 * What is shown to a reader who is kept to a scope. Not who acted, why and in which request: people of the platform
 * choose those, for several tenants at once, and `tenant_id` may be a header that a caller has chosen.
 */
const metaInScope = ['job_id', 'step'] as const satisfies readonly (keyof EventMeta)[];

/**
 * What is left out at any depth also of what the catalogue lets such readers see: text that services and people write
 * freely, who of the platform acted, and what steps measured, which may be of a machine that several tenants share.
 */
const notInScope: readonly string[] = ['message', 'reason', 'by', 'output'];

/** The view of an event; for readers who are kept to a scope that covers it, with what `scoped` names of its payload. */
export function changeView(
  event: CurrentEvent,
  audience: Audience,
  { cursor, scoped }: { cursor: string; scoped?: readonly string[] },
): ChangeView {
  return {
    cursor,
    position: event.position,
    aggregate_type: event.aggregateType,
    aggregate_id: event.aggregateId,
    version: event.version,
    type: event.type,
    schema_version: event.schemaVersion,
    recorded_at: event.recordedAt.toISOString(),
    tenant_id: audience.tenant ?? null,
    node_id: audience.node ?? null,
    payload: scoped === undefined ? event.payload : payloadOf(event.payload, scoped),
    meta: scoped === undefined ? event.meta : metaInScopeOf(event),
  };
}

/** Older or foreign writers may have stored what is no object. */
function metaInScopeOf({ meta: stored }: { readonly meta: unknown }): ChangeView['meta'] {
  const meta: Partial<EventMeta> = typeof stored === 'object' && stored !== null ? stored : {};
  return Object.fromEntries(metaInScope.flatMap((name) => (meta[name] === undefined ? [] : [[name, meta[name]]])));
}

function payloadOf(payload: Payload, fields: readonly string[]): Payload {
  const shown: Record<string, unknown> = {};
  for (const [field = '', inner] of fields.map((path) => path.split('.'))) {
    const value = Object.hasOwn(payload, field) ? payload[field] : undefined;
    if (value === undefined || notInScope.includes(field)) continue;
    if (inner === undefined) shown[field] = kept(value);
    else if (typeof value === 'object' && value !== null)
      shown[field] = { ...(shown[field] as object | undefined), ...only(value as Payload, inner) };
  }
  return shown;
}

function only(value: Payload, name: string): Payload {
  return value[name] === undefined ? {} : { [name]: kept(value[name]) };
}

function kept(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(kept);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([name, inner]) => (notInScope.includes(name) ? [] : [[name, kept(inner)]])));
}
