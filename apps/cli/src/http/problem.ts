import { z } from 'zod';
import { CliError, exitCodes, type ExitCode } from '../exit.js';
import { printable } from '../view/text.js';

/** What is empty, or no text, tells nothing. */
const text = z.string().trim().min(1).optional().catch(undefined);
const problemSchema = z.looseObject({
  detail: text,
  title: text,
  code: text,
  request_id: text,
  details: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

/** An answer of the gateway that is not a success, as `application/problem+json` told it. */
export class ApiError extends CliError {
  readonly status: number;
  /** The stable code, such as `plan_stale`; `http_<status>` when the answer had none. */
  readonly code: string;
  /** What the problem tells programs. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(problem: { status: number; code: string; detail: string; requestId: string; details?: Record<string, unknown> }) {
    super(`${printable(problem.detail)} (${printable(problem.code)}, request ${printable(problem.requestId)})`, exitCodeOf(problem.status));
    this.name = 'ApiError';
    this.status = problem.status;
    this.code = problem.code;
    this.details = problem.details ?? {};
  }
}

/** Reads a failed answer. Takes any body: what is not a problem is told by its status. */
export async function problemOf(response: Response): Promise<ApiError> {
  const parsed = problemSchema.safeParse(parseJson(await response.text().catch(() => '')));
  const problem = parsed.success ? parsed.data : {};
  return new ApiError({
    status: response.status,
    code: problem.code ?? `http_${response.status}`,
    detail: problem.detail ?? problem.title ?? `the gateway answered ${response.status}`,
    details: problem.details,
    requestId: problem.request_id ?? response.headers.get('x-request-id') ?? 'unknown',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function exitCodeOf(status: number): ExitCode {
  switch (status) {
    case 400:
    case 413:
    case 422:
      return exitCodes.usage;
    case 401:
    case 403:
      return exitCodes.auth;
    case 404:
      return exitCodes.notFound;
    case 409:
    case 412:
      return exitCodes.conflict;
    case 408:
    case 504:
      return exitCodes.timeout;
    default:
      return exitCodes.failed;
  }
}
