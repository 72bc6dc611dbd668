/** One field of a request that the gateway did not accept; `pointer` is a JSON pointer. */
export interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}

/** An answer that is not a success, as `application/problem+json` told it, or no answer at all. */
export class ApiProblem extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** The stable code, such as `plan_stale`; `unreachable` without an answer, `http_<status>` for one that is no problem. */
  readonly code: string;
  readonly requestId: string | undefined;
  readonly errors: readonly FieldProblem[];

  constructor(problem: { status: number; code: string; detail: string; requestId?: string; errors?: readonly FieldProblem[] }) {
    super(problem.detail);
    this.name = 'ApiProblem';
    this.status = problem.status;
    this.code = problem.code;
    this.requestId = problem.requestId;
    this.errors = problem.errors ?? [];
  }

  /** It may be over soon: no answer, or one that says so. */
  get passing(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503;
  }
}

/** Reads a failed answer. Takes any body: what is not a problem is told by its status. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const body = objectOf(parseJson(await response.text().catch(() => '')));
  return new ApiProblem({
    status: response.status,
    code: textOf(body['code']) ?? `http_${response.status}`,
    detail: textOf(body['detail']) ?? textOf(body['title']) ?? `The gateway answered ${response.status}`,
    requestId: textOf(body['request_id']) ?? response.headers.get('x-request-id') ?? undefined,
    errors: fieldProblemsOf(body['errors']),
  });
}

/** Whatever was thrown, as a problem that can be shown. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  return new ApiProblem({ status: 0, code: 'client_error', detail: error instanceof Error ? error.message : String(error) });
}

function fieldProblemsOf(value: unknown): FieldProblem[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    const { pointer, detail } = objectOf(item);
    return typeof detail === 'string' ? [{ pointer: textOf(pointer) ?? '', detail }] : [];
  });
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
