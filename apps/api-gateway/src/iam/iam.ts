import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { contextHeaders, newId } from '@fairlead/contracts';
import type { Appender, NewEvent } from '@fairlead/event-log';
import { OutboundError, type Outbound, type OutboundRequest, type OutboundResponse } from '@fairlead/outbound';
import type { Database } from '@fairlead/postgres';
import type { Principal } from '@fairlead/auth';
import { contextOf } from '../edge/context.js';
import { append } from '../identity/login.js';
import { findExternalSubject } from '../store/external-identities.js';
import { IamProblem, refusalText } from './iam-problem.js';

export interface IamDeps {
  /** Where it serves what `/admin/v1` serves here. */
  readonly url: string;
  /** What the gateway shows there. */
  readonly token: string;
  readonly timeoutMs: number;
  /** Whose people it keeps: its ids are the subjects of that issuer's tokens. */
  readonly issuer: string;
  readonly outbound: Outbound;
  readonly database: Database;
  readonly appender: Appender;
}

/** A request, validated, whose answer comes from elsewhere. */
export interface Passed {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly caller: Principal;
}

/** The external IAM that keeps users, sessions and roles in place of this control plane. */
export interface Iam {
  readonly issuer: string;
  /**
   * Sends a request of `/admin/v1` on to the IAM and answers what it answers, as the schema says (nothing without one). What changes something is
   * recorded before it is sent and after. Throws IamProblem: `iam_refused` with the IAM's status and text, `iam_failed`, `iam_timeout`,
   * `iam_unreachable`, `iam_answer_invalid`.
   */
  pass<Schema extends z.ZodType>(passed: Passed, schema: Schema): Promise<z.output<Schema>>;
  pass(passed: Passed): Promise<undefined>;
  close(): Promise<void>;
}

const prefix = '/admin/v1';
const maxResponseBytes = 1_048_576;
/** What of a request's body is recorded; anything else may be a secret. */
const told = ['email', 'roles', 'disabled', 'reason', 'principal', 'role', 'scope', 'name', 'description', 'permissions'];
const unknownOutcome = 'whether it was made is not known';

/** Passes calls through to an external IAM. */
export function createIam(deps: IamDeps): Iam {
  const pass = async (passed: Passed, schema?: z.ZodType): Promise<unknown> => {
    const { request } = passed;
    const sent = await requestOf(deps, passed);
    if (request.method === 'GET') return answerOf(deps, passed, await send(deps, sent), schema);
    const where = { method: request.method, path: new URL(sent.url).pathname };
    const aggregate = { aggregateType: 'iam_change', aggregateId: newId('iamChange') } as const;
    const change = changeOf(request.body);
    await append(deps.appender, { ...aggregate, expectedVersion: 0, type: 'change_requested', payload: { ...where, change } });
    const settle = (event: NewEvent) => append(deps.appender, event);
    try {
      const response = await send(deps, sent);
      // Also when its answer is of no use: it was made.
      if (response.status < 400) await settle({ ...aggregate, type: 'change_succeeded', payload: { ...where, status: response.status } });
      return answerOf(deps, passed, response, schema);
    } catch (error) {
      if (!(error instanceof IamProblem)) throw error;
      const status = error.details['iam_status'];
      if (typeof status !== 'number') await settle({ ...aggregate, type: 'change_failed', payload: { ...where, cause: error.code } });
      else if (status >= 400) await settle({ ...aggregate, type: 'change_failed', payload: { ...where, cause: error.code, status } });
      throw error;
    }
  };
  return { issuer: deps.issuer, pass: pass as Iam['pass'], close: () => deps.outbound.close() };
}

/** What is sent: the same path, query, precondition and body, by the gateway, for whoever calls. */
async function requestOf(deps: IamDeps, { request, caller }: Passed): Promise<OutboundRequest> {
  const context = contextOf(request);
  const key = request.headers['idempotency-key'];
  const match = request.headers['if-match'];
  const subject = await findExternalSubject(deps.database, deps.issuer, caller.id.replace(/^user:/, ''));
  const body = request.body === undefined || request.body === null ? undefined : JSON.stringify(request.body);
  return {
    method: request.method as OutboundRequest['method'],
    url: `${deps.url.replace(/\/$/, '')}${request.url.slice(prefix.length)}`,
    headers: {
      authorization: `Bearer ${deps.token}`,
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      // Keys are each caller's own here, and all of them the gateway's there.
      ...(typeof key === 'string' && key !== ''
        ? { 'idempotency-key': createHash('sha256').update(`${caller.id} ${key}`).digest('hex') }
        : {}),
      ...(typeof match === 'string' && match !== '' ? { 'if-match': match } : {}),
      'x-on-behalf-of': subject === undefined ? caller.id : encodeURIComponent(subject),
      [contextHeaders.requestId]: context.requestId,
      [contextHeaders.correlationId]: context.correlationId,
    },
    ...(body === undefined ? {} : { body }),
    timeoutMs: deps.timeoutMs,
    maxResponseBytes,
    // A change whose answer was lost may have been made.
    once: request.method !== 'GET',
  };
}

async function send({ outbound }: IamDeps, sent: OutboundRequest): Promise<OutboundResponse> {
  try {
    return await outbound.request(sent);
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    const options = { cause: error };
    const doubt = sent.method === 'GET' ? '' : `; ${unknownOutcome}`;
    if (error.problem === 'timeout') throw new IamProblem('iam_timeout', 504, `The external IAM did not answer in time${doubt}`, options);
    if (error.problem === 'unreachable' || error.problem === 'forbidden_address')
      throw new IamProblem('iam_unreachable', 503, 'The external IAM can not be reached', options);
    throw new IamProblem('iam_answer_invalid', 502, `The external IAM’s answer can not be used: ${error.message}${doubt}`, options);
  }
}

/** What is answered here for what the IAM answered; throws for a refusal and for what is not its form. */
function answerOf(deps: IamDeps, { request, reply }: Passed, response: OutboundResponse, schema: z.ZodType | undefined): unknown {
  const { status, contentType, body, headers } = response;
  const text = body.toString('utf8');
  const details = { iam_status: status };
  if (status >= 400) {
    const said = refusalText(status, contentType, text, [deps.token, ...secretsOf(request.body)]);
    // It is the gateway that it does not know: the caller's token is none of its business.
    if (status === 401)
      throw new IamProblem('iam_failed', 502, `The external IAM does not accept this control plane: ${said}`, { details });
    if (status >= 500) throw new IamProblem('iam_failed', status, said, { details });
    const retryAfter = /^\d{1,6}$/.test(headers['retry-after'] ?? '') ? { retry_after_seconds: Number(headers['retry-after']) } : {};
    throw new IamProblem('iam_refused', status, said, { details: { ...details, ...retryAfter } });
  }
  const invalid = (why: string) =>
    new IamProblem('iam_answer_invalid', 502, `The external IAM’s answer can not be used: ${why}`, { details });
  if (status < 200) throw invalid('its status is none of an answer');
  const etag = headers['etag'];
  if (etag !== undefined && /^"[\x21\x23-\x7e]{1,128}"$/.test(etag)) reply.header('etag', etag);
  if (schema === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('it is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(`${parsed.error.issues[0]?.path.join('.') ?? ''} is not of its form`);
  return parsed.data;
}

function changeOf(body: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries((body ?? {}) as Record<string, unknown>).filter(([name]) => told.includes(name)));
}

/** Texts of a body that are recorded nowhere. */
function secretsOf(body: unknown): string[] {
  return Object.entries((body ?? {}) as Record<string, unknown>).flatMap(([name, value]) =>
    typeof value === 'string' && !told.includes(name) ? [value] : [],
  );
}
