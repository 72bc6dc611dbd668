/** What of the change stream a reader wants; `domain/audience.ts` says what they may have. */
import { FairleadError, platformPath, type EventCatalogue, type Permission } from '@fairlead/contracts';
import { may, mayAnywhere, scopeOf } from '@fairlead/auth';
import type { Audience, Reader } from './audience.js';
import { invalidFields, type FieldError } from './invalid.js';

/** The filter as it was asked for. */
export interface FilterInput {
  /** `job.job_succeeded`, or `job.*` for all of an aggregate type; all types when it is empty. */
  readonly types: readonly string[];
  /** One aggregate, `job:job_1`, or one aggregate type, `job`. */
  readonly aggregate: string | undefined;
  readonly tenant: string | undefined;
  readonly node: string | undefined;
}

export interface ChangeFilter {
  /** The aggregate types that can match at all. */
  readonly aggregateTypes: readonly string[];
  readonly aggregateId: string | undefined;
  /** Whether an event is of a type, an aggregate, a tenant and a node that was asked for. `audience` is asked for when it decides. */
  matches(event: { aggregateType: string; aggregateId: string; type: string }, audience: () => Audience): boolean;
}

/**
 * Makes a filter. Throws `invalid_argument` that names every type the catalogue does not have, and `permission_denied`
 * when the reader asks by name for what they may not read: a stream that stays empty would hide that.
 */
export function filterOf(input: FilterInput, reader: Reader, catalogue: EventCatalogue): ChangeFilter {
  const [aggregateType, aggregateId] = splitAggregate(input.aggregate);
  const types = new Set(input.types);
  refuseUnknown(types, aggregateType, catalogue);
  const named = new Set([...types].map(aggregateOf));
  if (input.tenant !== undefined) requireFor(reader, 'change.read', input.tenant);
  for (const name of aggregateType === undefined ? named : new Set([...named, aggregateType])) {
    const events = catalogue[name];
    // What is nobody's business but the platform's is for those who may read it there.
    if (events !== undefined) requireFor(reader, events.permission, input.tenant, events.tenantOf === undefined);
  }
  refuseOutside('tenant', input.tenant, reader.scope?.tenants, reader);
  refuseOutside('node', input.node, reader.scope?.nodes, reader);
  return {
    aggregateTypes: Object.keys(catalogue).filter(
      (name) => (aggregateType === undefined || name === aggregateType) && (types.size === 0 || named.has(name)),
    ),
    aggregateId,
    matches: (event, audience) =>
      (types.size === 0 || types.has(`${event.aggregateType}.${event.type}`) || types.has(`${event.aggregateType}.*`)) &&
      (aggregateType === undefined || event.aggregateType === aggregateType) &&
      (aggregateId === undefined || event.aggregateId === aggregateId) &&
      (input.tenant === undefined || audience().tenant === input.tenant) &&
      (input.node === undefined || audience().node === input.node),
  };
}

const aggregateOf = (type: string) => type.slice(0, type.indexOf('.'));

function splitAggregate(aggregate: string | undefined): [type: string | undefined, id: string | undefined] {
  if (aggregate === undefined) return [undefined, undefined];
  const colon = aggregate.indexOf(':');
  return colon === -1 ? [aggregate, undefined] : [aggregate.slice(0, colon), aggregate.slice(colon + 1)];
}

function refuseUnknown(types: ReadonlySet<string>, aggregateType: string | undefined, catalogue: EventCatalogue): void {
  const isAggregate = (name: string) => Object.hasOwn(catalogue, name);
  const isType = (name: string) => {
    const [aggregate, type] = [aggregateOf(name), name.slice(name.indexOf('.') + 1)];
    return isAggregate(aggregate) && (type === '*' || Object.hasOwn(catalogue[aggregate]?.types ?? {}, type));
  };
  const errors: FieldError[] = [...types]
    .filter((name) => !isType(name))
    .map((name) => ({ pointer: '/types', detail: `${name} is no event type, nor all types of an aggregate` }));
  if (aggregateType !== undefined && !isAggregate(aggregateType))
    errors.push({ pointer: '/aggregate', detail: `${aggregateType} is no aggregate type` });
  if (errors.length > 0) throw invalidFields(errors);
}

/** Throws `permission_denied` unless the reader has a permission on a tenant; where none is asked for, on any, or on the platform. */
function requireFor(reader: Reader, permission: Permission, tenant: string | undefined, ofPlatform = false): void {
  const path = scopeOf(ofPlatform ? undefined : tenant);
  if (tenant === undefined && !ofPlatform ? mayAnywhere(reader, permission) : may(reader, permission, path)) return;
  const where = path === platformPath ? '' : ` on ${path}`;
  throw new FairleadError('permission_denied', `To follow these changes takes the permission ${permission}${where}`, {
    details: { permission, ...(path === platformPath ? {} : { scope: path }) },
  });
}

function refuseOutside(what: string, asked: string | undefined, own: readonly string[] | undefined, { scope }: Reader): void {
  if (asked === undefined || scope === undefined || own?.includes(asked) === true) return;
  throw new FairleadError('permission_denied', `The token is not for the ${what} ${asked}`);
}
