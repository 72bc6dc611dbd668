import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { describeError, errorKinds, FairleadError, type ErrorCode, type ErrorKind } from '@fairlead/contracts';
import { isConnectionError } from '@fairlead/postgres';
import { runInContext, type Logger } from '@fairlead/telemetry';
import { IamProblem } from '../iam/iam-problem.js';
import { contextOf } from './context.js';

/** RFC 9457, with our stable code and the id to ask about. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ProblemCode;
  request_id: string;
  /** For invalid requests: what is wrong with which field. */
  errors?: unknown;
  /** What else a program may want to know, by code. */
  details?: Record<string, unknown>;
}

/** Our codes, and what HTTP alone knows. */
export type ProblemCode = ErrorCode | 'unsupported_media_type';

const titles: Record<ErrorKind, string> = {
  invalid_argument: 'The request is not valid',
  unauthenticated: 'Not authenticated',
  permission_denied: 'Not permitted',
  not_found: 'Not found',
  conflict: 'In conflict with the current state',
  precondition_failed: 'A precondition no longer holds',
  precondition_required: 'A precondition is needed',
  gone: 'What was asked for is gone',
  too_large: 'Too large',
  rate_limited: 'Too many requests',
  internal: 'Internal error',
  unavailable: 'Not available right now',
  deadline_exceeded: 'Took too long',
};

/** What Fastify and Nest refuse before a handler runs, by HTTP status; their own messages are not for callers. */
const refusals: Readonly<Record<number, { code: ProblemCode; title: string; detail: string }>> = {
  400: { code: 'invalid_argument', title: titles.invalid_argument, detail: 'The request can not be read' },
  404: { code: 'not_found', title: titles.not_found, detail: 'There is no such route' },
  413: { code: 'too_large', title: titles.too_large, detail: 'The request body is too large' },
  414: { code: 'invalid_argument', title: titles.invalid_argument, detail: 'The path is too long' },
  415: {
    code: 'unsupported_media_type',
    title: 'Unsupported media type',
    detail: 'The request body must be JSON (content-type: application/json)',
  },
};

/** Node's error of a client that hung up before it had sent its whole body. */
function isHungUp(error: unknown): boolean {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  return message === 'aborted' && code === 'ECONNRESET';
}

const bodyNotJson = new Set(['FST_ERR_CTP_INVALID_JSON_BODY', 'FST_ERR_CTP_EMPTY_JSON_BODY', 'FST_ERR_CTP_BODY_INVALID_JSON']);

/** Translates anything thrown to the problem its caller sees. Errors we did not declare tell nothing of the inside. */
export function problemOf(error: unknown, requestId: string): Problem {
  const refusal = refusalOf(error);
  if (refusal !== undefined) return { type: typeOf(refusal.code), ...refusal, request_id: requestId };
  const known = declared(error);
  const { kind, code } = known;
  const { errors, ...details } = known.details;
  return {
    type: typeOf(code),
    title: titles[kind],
    // What an external IAM answered is told by its own status.
    status: known instanceof IamProblem ? known.status : errorKinds[kind].http,
    detail: kind === 'internal' ? 'Something went wrong; the log of the service tells more under this request id' : known.message,
    code,
    request_id: requestId,
    ...(errors === undefined ? {} : { errors }),
    ...(Object.keys(details).length === 0 || kind === 'internal' ? {} : { details }),
  };
}

/** What Node's HTTP parser refuses, by its error's code; anything else is no HTTP request. */
const unreadable: Readonly<Record<string, Pick<Problem, 'code' | 'title' | 'detail' | 'status'>>> = {
  HPE_HEADER_OVERFLOW: { code: 'too_large', title: titles.too_large, status: 431, detail: "The request's headers are too large" },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 'deadline_exceeded',
    title: titles.deadline_exceeded,
    status: 408,
    detail: 'The request took too long to come in',
  },
};
const noRequest = { code: 'invalid_argument', title: titles.invalid_argument, status: 400, detail: 'The request can not be read' } as const;

/** The problem of a request that could not be read at all. */
export function unreadableProblem({ code = '' }: { readonly code?: string }, requestId: string): Problem {
  const found = unreadable[code] ?? noRequest;
  return { type: typeOf(found.code), ...found, request_id: requestId };
}

function typeOf(code: ProblemCode): string {
  return `urn:fairlead:problem:${code}`;
}

function declared(error: unknown): FairleadError {
  if (error instanceof FairleadError) return error;
  if (isConnectionError(error)) return new FairleadError('unavailable', 'The database can not be reached right now', { cause: error });
  return new FairleadError('internal', 'unexpected', { cause: error });
}

/** Errors of the framework that are the caller's fault: Nest's exceptions, and Fastify's own that Nest did not wrap. */
function refusalOf(error: unknown): Pick<Problem, 'code' | 'title' | 'detail' | 'status'> | undefined {
  const cause: unknown = error instanceof HttpException && error.cause !== undefined ? error.cause : error;
  const fastifyCode =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && cause.code.startsWith('FST_') ? cause.code : undefined;
  if (isHungUp(cause))
    return { code: 'invalid_argument', title: titles.invalid_argument, status: 400, detail: 'The request ended before its body did' };
  const status = error instanceof HttpException ? error.getStatus() : fastifyCode === undefined ? undefined : statusCodeOf(cause);
  if (status === undefined || status < 400 || status >= 500) return undefined;
  const refusal = refusals[status] ?? { code: 'invalid_argument', title: titles.invalid_argument, detail: 'The request can not be served' };
  if (fastifyCode !== undefined && bodyNotJson.has(fastifyCode))
    return { ...refusal, status, detail: 'The request body is not valid JSON' };
  return { ...refusal, status };
}

function statusCodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** Sends a problem, with the headers that belong to it. */
export function sendProblem(reply: FastifyReply, problem: Problem): void {
  const retryAfter = problem.details?.['retry_after_seconds'];
  if (typeof retryAfter === 'number') reply.header('retry-after', String(retryAfter));
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="fairlead"');
  void reply.status(problem.status).header('content-type', 'application/problem+json; charset=utf-8').send(JSON.stringify(problem));
}

/** The one place where errors become answers. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const [request, reply] = [http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>()];
    const context = contextOf(request);
    const problem = problemOf(error, context.requestId);
    runInContext(context, () => {
      logProblem(this.logger, problem, error);
    });
    if (reply.sent || reply.raw.headersSent) return;
    sendProblem(reply, problem);
  }
}

/**
 * Message and stack alone: a database error's own properties hold the statement's parameters. Of what the framework
 * refused, not even the message: it quotes the URL.
 */
export function logProblem(logger: Logger, problem: Problem, error: unknown): void {
  const fields = { code: problem.code, status: problem.status };
  if (problem.status >= 500) {
    logger.error({ ...fields, reason: describeError(error), stack: error instanceof Error ? error.stack : undefined }, 'a request failed');
  } else {
    logger.debug({ ...fields, reason: error instanceof FairleadError ? describeError(error) : problem.detail }, 'a request was refused');
  }
}
