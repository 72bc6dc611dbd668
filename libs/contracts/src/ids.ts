import { v7 as uuidv7 } from 'uuid';

const prefixes = {
  job: 'job',
  plan: 'plan',
  request: 'req',
  correlation: 'cor',
  user: 'usr',
  session: 'ses',
  apiToken: 'flt',
  command: 'cmd',
  replica: 'rep',
} as const;

/** Makes an opaque id that sorts by creation time, such as `job_0199b6…` (prefix, underscore, 32 hex digits). */
export function newId(kind: keyof typeof prefixes): string {
  return `${prefixes[kind]}_${uuidv7().replaceAll('-', '')}`;
}

/** Ids from outside (request and correlation ids): 1 to 128 visible characters without spaces, quotes or commas. */
export const externalIdPattern = /^[A-Za-z0-9._:/+=@-]{1,128}$/;

/** Tenant and shard ids: a DNS label, up to 63 lower-case characters. */
export const namePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** An idempotency key: 1 to 128 visible characters. */
export const idempotencyKeyPattern = /^[\x21-\x7e]{1,128}$/;
