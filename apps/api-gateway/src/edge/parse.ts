import { createParamDecorator, type ArgumentMetadata, type ExecutionContext, type PipeTransform } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  externalIdPattern,
  FairleadError,
  idempotencyKeyPattern,
  namePattern,
  placedKinds,
  scopePathPattern,
  serviceKinds,
} from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import type { KeyedRequest } from '@fairlead/postgres';
import { invalidField, invalidFields, type FieldError } from '../domain/invalid.js';
import { principalOf } from './access.js';
import { integer } from './answers.js';

/**
 * Every id and value that comes in from outside has its schema here. Text goes on to Postgres and protobuf, which
 * take neither NUL nor half a surrogate pair.
 */
const storable = (value: string) => value.isWellFormed() && !/\p{Cc}/u.test(value.replaceAll(/[\n\t]/g, ''));
export const text = (maxLength: number) =>
  z
    .string('is missing or not a text')
    .trim()
    .min(1, 'must not be empty')
    .max(maxLength, `must have ${maxLength} characters at most`)
    .refine(storable, 'must not have control characters');

export const reason = z
  .string('is required: say why, in 1 to 500 characters')
  .trim()
  .min(1, 'is required: say why, in 1 to 500 characters')
  .max(500, 'must have 500 characters at most')
  .refine(storable, 'must not have control characters');

const label = 'must be 1 to 63 lower-case letters, digits or hyphens';
/** What a field must be to be looked at; one that is not there at all is said to be missing. */
const unless = (detail: string) => ({ error: ({ input }: { input?: unknown }) => (input === undefined ? 'is required' : detail) });

export const tenantId = z.string(label).regex(namePattern, label);
export const nodeId = z.string(label).regex(namePattern, label);
export const shardId = z.string(label).regex(namePattern, label);
export const endpointId = z.string(label).regex(namePattern, label);
export const scheduleName = z.string(label).regex(namePattern, label);
/** Of orgs, and of projects within their org: they stand in scope paths. */
export const orgName = z.string(label).regex(namePattern, label);
export const projectName = z.string(label).regex(namePattern, label);
/** Of documents of the configuration registry. */
export const scopeName = z.string(label).regex(namePattern, label);
/** Of definitions of effects and sagas. */
export const definitionName = z.string(label).regex(namePattern, label);
export const sha256 = z.string(unless('is not a hash')).regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex');
export const consumerName = z.string(label).regex(namePattern, label);
export const placedKind = z.enum(placedKinds, `must be one of ${placedKinds.join(', ')}`);
export const serviceKind = z.enum(serviceKinds, `must be one of ${serviceKinds.join(', ')}`);

/** Ids that we made: whatever looks like one is looked up. */
export const opaqueId = z.string(unless('is not an id')).regex(/^[A-Za-z0-9_:-]{1,128}$/, 'is not an id');
/** Request, correlation and trace ids, which callers choose. */
export const externalId = z.string(unless('is not an id')).regex(externalIdPattern, 'is not an id');
export const principalId = z
  .string('is not a principal')
  .regex(/^(user|project|service):[A-Za-z0-9_-]{1,100}$|^anonymous$/, 'is not a principal');
/** Whoever has an account: users, service accounts and projects. */
export const accountPrincipal = z
  .string('is not a principal')
  .regex(/^(user|project):[A-Za-z0-9_-]{1,100}$/, 'must be a principal such as user:usr_…');
/** Who may be given roles: users and service accounts. A project has those of its keys. */
export const holderId = z.string('is not a principal').regex(/^user:[A-Za-z0-9_-]{1,100}$/, 'must be a principal such as user:usr_…');
export const accountName = z.string(label).regex(namePattern, label);
export const roleName = z.string(label).regex(namePattern, label);
/** The part of the platform that something holds for. */
export const scopePath = z
  .string('is not a scope')
  .regex(scopePathPattern, 'must be /, /orgs/{org}, /orgs/{org}/projects/{project} or /tenants/{tenant}');
/** An audited action, or a pattern of them: `tenant.tenant_created`, `job.*`, `job`. */
export const action = z.string('is not an action').regex(/^[a-z0-9_.]{1,128}\*?$/, 'is not an action');
/** Names of projections, such as `audit_record`. */
export const projectionName = z
  .string('is not a name')
  .regex(/^[a-z][a-z0-9_]{0,99}$/, 'must be 1 to 100 lower-case letters, digits or underscores');
/** An event type, or a pattern of them: `job.job_created`, `job.step_*`, `job.*`. */
export const eventType = z
  .string('is not an event type')
  .regex(
    /^[a-z0-9_]{1,64}\.([A-Za-z0-9_.-]{0,128}\*|[A-Za-z0-9_.-]{1,128})$/,
    'must be an event type such as job.job_created, job.step_* or job.*',
  );
/** An aggregate type, or one aggregate: `job`, `job:job_…`. */
export const aggregate = z
  .string('is not an aggregate')
  .regex(/^[a-z0-9_]{1,64}(:.{1,255})?$/, 'must be an aggregate type such as job, or an aggregate such as job:job_…')
  .refine(storable, 'must not have control characters')
  .transform((value) => {
    const [, type = '', id = ''] = /^([a-z0-9_]+)(?::(.+))?$/.exec(value) ?? [];
    return { type, id };
  });
/** What something was done to: `tenant:acme`. */
export const target = z
  .string('is not a resource')
  .regex(/^[a-z0-9_]{1,64}:.{1,255}$/, 'must be what it was done to, such as tenant:acme')
  .refine(storable, 'must not have control characters');
export const position = z
  .string(unless('is not a position'))
  .regex(/^\d{1,15}$/, 'is not a position')
  .transform(Number)
  .meta(integer);
/** The revision of a document; 0 stands for what is there before the first. */
export const revisionNumber = z
  .string(unless('is not a revision'))
  .regex(/^\d{1,15}$/, 'is not a revision: it must be a whole number from 0 on')
  .transform(Number)
  .meta(integer);
/** A place in a stream, which counts from 1. */
export const sequence = z
  .string('is not a sequence')
  .regex(/^[1-9]\d{0,14}$/, 'is not a sequence')
  .transform(Number)
  .meta({ ...integer, minimum: 1 });
/** What a step of a job waits for, by name. */
export const signalName = z
  .string('is not a name')
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits, hyphens or underscores, from a letter on');
/** What a job has locked, such as `tenant/acme`. */
export const resource = z.string('is not a resource').regex(/^[\w./:-]{1,255}$/, 'must be a resource such as tenant/acme');
/** Any JSON object, in texts that can be stored. */
export const jsonObject = z
  .record(z.string(), z.unknown(), 'must be a JSON object')
  .refine((value) => [...textsOf(value)].every((text) => text.isWellFormed() && !text.includes('\0')), 'must not have control characters');
export const timestamp = z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time' });
export const email = z
  .email('is not an e-mail address')
  .max(254, 'is not an e-mail address')
  .transform((value) => value.toLowerCase());

/** Every key and text in a value that was JSON. */
function* textsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    yield key;
    yield* textsOf(part);
  }
}

/** Validates what a handler takes, by the schema in its parameter's decorator; without one it takes nothing. */
export class SchemaPipe implements PipeTransform {
  async transform(value: unknown, { schema, type, data }: ArgumentMetadata): Promise<unknown> {
    if (type === 'custom') return value;
    if (schema === undefined) throw new Error(`a ${type} parameter has no schema`);
    const result = await schema['~standard'].validate(type === 'body' ? (value ?? {}) : value);
    if (result.issues === undefined) return result.value;
    const prefix = data === undefined ? '' : `/${data}`;
    throw invalidFields(result.issues.flatMap((issue) => fieldErrorsOf(issue, prefix)));
  }
}

/** What a schema found wrong, as it is told: of fields that are not known, each where it stands. */
export function fieldErrorsOf({ path, message, ...issue }: Issue, prefix = ''): FieldError[] {
  const at = prefix + pointerOf(path);
  if ('code' in issue && issue.code === 'unrecognized_keys' && 'keys' in issue && Array.isArray(issue.keys))
    return issue.keys.map((key: string) => ({ pointer: at + pointerOf([key]), detail: 'is not known' }));
  return [{ pointer: at, detail: message }];
}

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { key: PropertyKey })[] | undefined;
}

/** A JSON pointer to what a schema found at fault. */
export function pointerOf(path: readonly (PropertyKey | { key: PropertyKey })[] = []): string {
  return path
    .map((segment) => String(typeof segment === 'object' ? segment.key : segment))
    .map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>();

/**
 * A request that is to be done once: its caller, their `Idempotency-Key`, 1 to 128 visible characters, and all that they ask for. Throws
 * `idempotency_key_required` without one.
 */
export function idempotencyKeyOf(_: undefined, context: ExecutionContext): KeyedRequest {
  const request = requestOf(context);
  const key = request.headers['idempotency-key'];
  if (key === undefined || key === '') {
    throw new FairleadError(
      'idempotency_key_required',
      'This request needs an Idempotency-Key header: repeats with the same key do it once',
    );
  }
  if (typeof key !== 'string' || !idempotencyKeyPattern.test(key))
    throw invalidField('Idempotency-Key', 'must be 1 to 128 visible characters');
  return { scope: principalOf(request).id, key, request: JSON.stringify([request.method, request.url, request.body ?? {}]) };
}
export const IdempotencyKey = createParamDecorator(idempotencyKeyOf);

/**
 * The revision that a change is for, from its `If-Match` header, `"7"`; undefined for `*`, whatever is there. Throws `if_match_required`
 * without one.
 */
export function ifMatchOf(_: undefined, context: ExecutionContext): number | undefined {
  const revision = optionalIfMatchOf(_, context);
  if (revision !== undefined || requestOf(context).headers['if-match'] === '*') return revision;
  throw new FairleadError(
    'if_match_required',
    'This request needs an If-Match header: the ETag of what it changes as you have read it, or * to change whatever is there',
  );
}
export const IfMatch = createParamDecorator(ifMatchOf);

/** The same where nothing may be there yet: undefined without the header, too. */
export function optionalIfMatchOf(_: undefined, context: ExecutionContext): number | undefined {
  const value = requestOf(context).headers['if-match'];
  if (value === undefined || value === '' || value === '*') return undefined;
  const revision = /^"(\d{1,15})"$/.exec(value)?.[1];
  if (revision === undefined || Number(revision) === 0) throw invalidField('If-Match', 'must be one entity tag, such as "7"');
  return Number(revision);
}
export const OptionalIfMatch = createParamDecorator(optionalIfMatchOf);

/** The entity tag of a revision. */
export function etagOf(revision: number): string {
  return `"${revision}"`;
}

/** Who calls. */
export const Caller = createParamDecorator((_: undefined, context: ExecutionContext): Principal => principalOf(requestOf(context)));
