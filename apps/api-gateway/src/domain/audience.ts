/** Who may be told of an event: decided from what the owning service wrote, by the catalogue of event types. */
import type { EventCatalogue, EventFacts, Permission } from '@fairlead/contracts';
import { may, scopeOf, type Principal } from '@fairlead/auth';

/** What decides who may be told of an event; the same for every reader, so it is worked out once. */
export interface Audience {
  /** What a reader must be permitted to read; undefined for an aggregate type that the catalogue does not have: nobody is told. */
  readonly permission: Permission | undefined;
  /** Whose business the event is; undefined for the platform's alone. */
  readonly tenant: string | undefined;
  readonly node: string | undefined;
}

/** What of a reader decides. */
export type Reader = Pick<Principal, 'grants' | 'grantsOn' | 'scope'>;

/**
 * The audience of an event. `facts` are those of the current version of its type. A type that the catalogue does not
 * have, and a payload that it can't judge, belong to no tenant and no node.
 */
export function audienceOf(facts: EventFacts, catalogue: EventCatalogue): Audience {
  const events = Object.hasOwn(catalogue, facts.aggregateType) ? catalogue[facts.aggregateType] : undefined;
  if (events === undefined) return { permission: undefined, tenant: undefined, node: undefined };
  const { permission } = events;
  if (!Object.hasOwn(events.types, facts.type)) return { permission, tenant: undefined, node: undefined };
  try {
    return { permission, tenant: events.tenantOf?.(facts), node: events.nodeOf?.(facts) };
  } catch {
    return { permission, tenant: undefined, node: undefined };
  }
}

/**
 * Whether a reader belongs to an audience: they have its permission on the tenant whose business the event is, or on the platform, and
 * their scope, if they are kept to one, covers it.
 */
export function admits({ permission, tenant, node }: Audience, reader: Reader): boolean {
  if (permission === undefined || !may(reader, permission, scopeOf(tenant))) return false;
  const { scope } = reader;
  return scope === undefined || covers(scope.tenants, tenant) || covers(scope.nodes, node);
}

/** Whether a reader may follow what is told to an audience: they belong to it, and may follow changes there. */
export function mayFollow(audience: Audience, reader: Reader): boolean {
  return admits(audience, reader) && may(reader, 'change.read', scopeOf(audience.tenant));
}

/** Whether a reader may read such events of a part of the platform alone: they are shown the form for that, which says less. */
export function seesPart({ permission }: Audience, reader: Reader): boolean {
  return reader.scope !== undefined || permission === undefined || !may(reader, permission);
}

/** Whether a reader may be told of an event. */
export function mayRead(reader: Reader, facts: EventFacts, catalogue: EventCatalogue): boolean {
  return admits(audienceOf(facts, catalogue), reader);
}

function covers(names: readonly string[] | undefined, name: string | undefined): boolean {
  return name !== undefined && names !== undefined && names.includes(name);
}
