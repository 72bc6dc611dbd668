/**
 * The closed set of errors that cross a service boundary. A code belongs to one kind, a kind to one HTTP and
 * one gRPC status; the mapping happens at the edges alone (libs/rpc and the gateway's problem filter).
 */
export const errorKinds = {
  invalid_argument: { http: 400, grpc: 3 },
  unauthenticated: { http: 401, grpc: 16 },
  permission_denied: { http: 403, grpc: 7 },
  not_found: { http: 404, grpc: 5 },
  conflict: { http: 409, grpc: 6 },
  precondition_failed: { http: 412, grpc: 9 },
  precondition_required: { http: 428, grpc: 9 },
  gone: { http: 410, grpc: 9 },
  too_large: { http: 413, grpc: 11 },
  rate_limited: { http: 429, grpc: 8 },
  internal: { http: 500, grpc: 13 },
  unavailable: { http: 503, grpc: 14 },
  deadline_exceeded: { http: 504, grpc: 4 },
} as const;

export type ErrorKind = keyof typeof errorKinds;

/** Every stable code a client may meet, and the kind it belongs to. */
export const errorCodes = {
  invalid_argument: 'invalid_argument',
  unknown_event: 'invalid_argument',
  config_decode: 'invalid_argument',
  config_invalid: 'invalid_argument',
  idempotency_key_required: 'invalid_argument',
  unauthenticated: 'unauthenticated',
  login_failed: 'unauthenticated',
  second_factor_required: 'unauthenticated',
  session_expired: 'unauthenticated',
  sign_in_failed: 'unauthenticated',
  permission_denied: 'permission_denied',
  cross_site_request: 'permission_denied',
  no_role: 'permission_denied',
  sign_in_elsewhere: 'permission_denied',
  second_person_required: 'permission_denied',
  not_found: 'not_found',
  tenant_not_found: 'not_found',
  shard_not_found: 'not_found',
  endpoint_not_found: 'not_found',
  config_not_found: 'not_found',
  definition_not_found: 'not_found',
  job_not_found: 'not_found',
  plan_not_found: 'not_found',
  schedule_not_found: 'not_found',
  role_binding_not_found: 'not_found',
  role_not_found: 'not_found',
  service_account_not_found: 'not_found',
  org_not_found: 'not_found',
  project_not_found: 'not_found',
  project_key_not_found: 'not_found',
  dead_letter_not_found: 'not_found',
  projection_not_found: 'not_found',
  aggregate_not_found: 'not_found',
  webhook_not_found: 'not_found',
  delivery_not_found: 'not_found',
  already_exists: 'conflict',
  version_conflict: 'conflict',
  idempotency_key_reused: 'conflict',
  too_many_grants: 'conflict',
  shard_in_use: 'conflict',
  role_in_use: 'conflict',
  role_built_in: 'conflict',
  org_in_use: 'conflict',
  definition_in_use: 'conflict',
  too_many_keys: 'conflict',
  lock_held: 'conflict',
  plan_blocked: 'conflict',
  job_cancelled: 'conflict',
  job_finished: 'conflict',
  cancel_too_late: 'conflict',
  job_superseded: 'conflict',
  job_outdated: 'conflict',
  signal_already_sent: 'conflict',
  children_failed: 'conflict',
  tenant_state: 'conflict',
  routes_differ: 'conflict',
  stale_fence: 'conflict',
  tenant_moved: 'conflict',
  dead_letter_settled: 'conflict',
  consumer_gone: 'conflict',
  projection_state: 'conflict',
  plan_stale: 'precondition_failed',
  plan_expired: 'precondition_failed',
  approval_required: 'precondition_failed',
  revision_mismatch: 'precondition_failed',
  if_match_required: 'precondition_required',
  cursor_superseded: 'gone',
  too_large: 'too_large',
  rate_limited: 'rate_limited',
  internal: 'internal',
  unavailable: 'unavailable',
  iam_refused: 'conflict',
  iam_failed: 'unavailable',
  iam_unreachable: 'unavailable',
  iam_answer_invalid: 'unavailable',
  audit_unavailable: 'unavailable',
  config_source: 'unavailable',
  overloaded: 'unavailable',
  projection_lagging: 'unavailable',
  log_behind: 'unavailable',
  service_unreachable: 'unavailable',
  iam_timeout: 'deadline_exceeded',
  step_timeout: 'deadline_exceeded',
  deadline_exceeded: 'deadline_exceeded',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorCodes;

/** An error with a stable code, safe to show to the caller: message and details hold no secret. */
export class FairleadError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { details?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FairleadError';
    this.code = code;
    this.details = options.details ?? {};
  }

  get kind(): ErrorKind {
    return errorCodes[this.code];
  }
}

/** True for a value that is one of the declared codes. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCodes, value);
}

/** The message of anything thrown, its causes appended; for logs and job errors, never parsed, never empty. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? [describeError(error.cause)] : [];
  const said = [error.message, ...cause].filter((text) => text !== '');
  return said.length > 0 ? said.join(': ') : unsaid(error);
}

/** Of an error without a message, as of a host that could be reached at none of its addresses. */
function unsaid(error: Error): string {
  const parts = error instanceof AggregateError ? error.errors.map(describeError) : [];
  if (parts.length > 0) return [...new Set(parts)].join(', ');
  return 'code' in error && typeof error.code === 'string' && error.code !== '' ? error.code : error.name;
}
