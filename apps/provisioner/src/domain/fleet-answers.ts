import { createHash } from 'node:crypto';
import { z } from 'zod';
import { FairleadError, tenantStates, type ErrorCode } from '@fairlead/contracts';

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

/** What a managed service answers about a tenant. */
const tenantAnswer = z.object({ state: z.enum(tenantStates), inflight: count, lag: count, fence: count, last_seq: count });
/** Rule H8: what a service tells of the copy that it holds. */
const copy = z.object({ sha256: z.string().max(64), entries: count });
const seenAnswer = tenantAnswer.extend({ copy: copy.optional() });
const exportAnswer = z.object({
  state: z.literal('sealed'),
  sha256: z.string(),
  data: z.string(),
  last_seq: count,
  copy: copy.optional(),
});
const importAnswer = z.object({ state: z.literal('imported'), last_seq: count });
const reloadAnswer = z.object({ revision: count.optional() });
const problemAnswer = z.object({ code: z.string().max(100), detail: z.string().max(500).optional(), highest_fence: count.optional() });

export interface TenantState {
  readonly state: (typeof tenantStates)[number];
  readonly inflight: number;
  readonly lag: number;
  readonly fence: number;
  readonly lastSeq: number;
}

/** A tenant's state as it was looked at. */
export interface SeenTenant extends TenantState {
  readonly copy?: { readonly sha256: string; readonly entries: number };
}

export interface ExportedTenant {
  readonly data: string;
  readonly sha256: string;
  readonly lastSeq: number;
  /** How many entries the service says that the state has. */
  readonly entries?: number;
}

/** Reads a tenant's state; throws `unavailable` when the answer is not one. */
export function readTenantState(body: unknown): TenantState {
  const { last_seq: lastSeq, ...rest } = understood(tenantAnswer, body);
  return { ...rest, lastSeq };
}

/** The same, with the copy where there is one. */
export function readSeenTenant(body: unknown): SeenTenant {
  const { copy: held } = understood(seenAnswer, body);
  const state = readTenantState(body);
  return held !== undefined && (state.state === 'sealed' || state.state === 'imported') ? { ...state, copy: held } : state;
}

/** Reads an export and checks its data against its checksum; throws `unavailable` when they differ. */
export function readExport(body: unknown): ExportedTenant {
  const { data, sha256, last_seq: lastSeq, copy: sealed } = understood(exportAnswer, body);
  if (checksumOf(data) !== sha256 || (sealed !== undefined && sealed.sha256 !== sha256))
    throw new FairleadError('unavailable', "the exported data does not match its checksum, so it isn't used");
  return { data, sha256, lastSeq, ...(sealed === undefined ? {} : { entries: sealed.entries }) };
}

/** Checks that an import took what was exported; throws `unavailable` when it ends at another command. */
export function checkImport(body: unknown, exported: ExportedTenant): void {
  const { last_seq: lastSeq } = understood(importAnswer, body);
  if (lastSeq === exported.lastSeq) return;
  throw new FairleadError(
    'unavailable',
    `the imported state ends at command ${String(lastSeq)}, the exported one at ${String(exported.lastSeq)}`,
  );
}

/** The placement or configuration revision an endpoint says it applied, 0 when it says none. */
export function readReload(body: unknown): number {
  return understood(reloadAnswer, body).revision ?? 0;
}

/** SHA-256 of a text's UTF-8 bytes, in hex. */
export function checksumOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function understood<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const where = result.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw new FairleadError(
    'unavailable',
    `it answered something that the fleet contract does not know (${where === '' ? 'no object' : where})`,
  );
}

/** The contract's refusals, in our words. */
const refusals: Readonly<Record<string, ErrorCode>> = {
  tenant_state: 'tenant_state',
  // A command that comes while the tenant does not serve, or no longer lives there, is one for another state.
  tenant_draining: 'tenant_state',
  tenant_moved: 'tenant_moved',
  tenant_unknown: 'tenant_not_found',
  stale_fence: 'stale_fence',
  idempotency_key_reused: 'idempotency_key_reused',
};

/**
 * The error for an answer that is not a success. A refusal that the contract defines, or a 4xx problem document that says the request
 * itself is bad, is definite: the command had no effect. Anything else is `unavailable`: ask again.
 */
export function refusalOf(status: number, body: unknown): FairleadError {
  const parsed = problemAnswer.safeParse(body);
  const problem = parsed.success ? parsed.data : undefined;
  const details = {
    status,
    ...(problem === undefined ? {} : { service_code: problem.code }),
    ...(problem?.highest_fence === undefined ? {} : { highest_fence: problem.highest_fence }),
  };
  const said = problem === undefined ? `status ${String(status)}` : (problem.detail ?? problem.code);
  const code = problem === undefined || !Object.hasOwn(refusals, problem.code) ? undefined : refusals[problem.code];
  if (code !== undefined) return new FairleadError(code, said, { details });
  if (status === 401 || status === 403)
    return new FairleadError('unavailable', "it does not accept the control plane's token", { details });
  if (status === 413) return new FairleadError('too_large', said, { details });
  // Only the service itself says why: a bare 404 may come from a proxy while the service starts.
  if (problem !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429)
    return new FairleadError('invalid_argument', said, { details });
  return new FairleadError('unavailable', said, { details });
}

const definiteCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'tenant_state',
  'tenant_moved',
  'tenant_not_found',
  'shard_not_found',
  'stale_fence',
  'idempotency_key_reused',
  'too_large',
  'invalid_argument',
]);

/** True when an error means that the command had no effect and none is under way. */
export function isDefiniteRefusal(error: unknown): error is FairleadError {
  return error instanceof FairleadError && definiteCodes.has(error.code);
}
