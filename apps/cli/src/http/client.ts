import type { ApiRequest } from '@fairlead/api-client';
import { contextHeaders } from '@fairlead/contracts';
import { CliError, exitCodes } from '../exit.js';
import { missingField } from './answer.js';
import { ApiError, problemOf } from './problem.js';

/** What a client proves itself with. */
export interface Credentials {
  /** The token to send. Throws CliError when there is none any more. */
  token(): Promise<string>;
  /** A newer one, after the gateway refused this one; undefined when there is no way to get one. */
  renewed(refused: string): Promise<string | undefined>;
}

export interface ClientOptions {
  /** The gateway's base URL. */
  readonly url: string;
  /** Absent before login. */
  readonly credentials?: Credentials;
  /** Goes with every request, so that all a command did is found under one id. */
  readonly correlationId: string;
  /** How long one request may take. */
  readonly timeoutMs?: number;
  /** Pauses between attempts at requests that may be repeated; their number bounds the attempts. */
  readonly retryDelaysMs?: readonly number[];
}

export interface RequestOptions {
  /** Safe to repeat by itself; GET requests are, and those with an idempotency key. */
  readonly repeatable?: boolean;
  /** Fields without which the answer is of no use. */
  readonly needs?: readonly string[];
  /** `name=value`. */
  readonly cookie?: string;
  readonly signal?: AbortSignal;
}

/** Talks HTTP to the gateway. */
export interface HttpClient {
  /**
   * Sends a request and reads the JSON object that it answers, an empty one when it answers none. Throws ApiError for a problem, CliError
   * when there is no answer, or something else than an object with the fields that are needed.
   */
  exchange(request: ApiRequest, options?: RequestOptions): Promise<{ body: Readonly<Record<string, unknown>>; headers: Headers }>;
  /** Opens a stream, of server-sent events unless another type is asked for; the caller reads and cancels it. */
  stream(request: ApiRequest, signal: AbortSignal, accept?: string): Promise<ReadableStream<Uint8Array>>;
}

const defaultTimeoutMs = 30_000;
const defaultRetryDelaysMs = [250, 1_000];

/**
 * Makes a client. Requests that may be repeated are, when no answer comes or a 502 or 503 does. When the gateway refuses
 * the token, a request is sent once more with a newer one, if there is one: nothing was done.
 */
export function createHttpClient(options: ClientOptions): HttpClient {
  return {
    // The document tells what an answer looks like; here is only found out whether what answered goes by it at all, and whether a gateway of
    // another release leaves out what a decision hangs on: a plan without its checks would pass for one that nothing forbids.
    exchange: async (request, given = {}) => {
      const response = await sendWithRetries(options, request, given);
      const body = await readJson(response);
      const missing = isObject(body) ? missingField(body, given.needs ?? []) : 'body';
      if (isObject(body) && missing === undefined) return { body, headers: response.headers };
      const path = request.path.split('?')[0] ?? '';
      throw new CliError(`${options.url} does not answer like a Fairlead gateway: ${path} has no usable ${missing ?? ''}`);
    },
    stream: async (request, signal, accept = 'text/event-stream') => {
      const response = await authorized(options, (token) => {
        const headers = { ...headersOf(options, request, {}, token), accept };
        return fetch(urlOf(options.url, request), { headers, signal, redirect: 'error' });
      });
      if (response.body === null) throw await problemOf(response);
      return response.body;
    },
  };
}

async function sendWithRetries(options: ClientOptions, request: ApiRequest, given: RequestOptions): Promise<Response> {
  const repeatable = given.repeatable ?? (request.method === 'GET' || request.headers['Idempotency-Key'] !== undefined);
  const delaysMs = repeatable ? (options.retryDelaysMs ?? defaultRetryDelaysMs) : [];
  for (const delayMs of delaysMs) {
    try {
      return await send(options, request, given);
    } catch (error) {
      if (!isPassing(error) || given.signal?.aborted === true) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
  return send(options, request, given);
}

/** True for what may be over soon: no answer, or an answer that says so. */
export function isPassing(error: unknown): boolean {
  return error instanceof UnreachableError || (error instanceof ApiError && (error.status === 502 || error.status === 503));
}

/** True for an answer that another attempt would not change. */
export function isFinal(error: unknown): boolean {
  return error instanceof CliError && !isPassing(error);
}

/** The gateway gave no answer. */
export class UnreachableError extends CliError {}

async function send(options: ClientOptions, request: ApiRequest, given: RequestOptions): Promise<Response> {
  const signals = [AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs), ...(given.signal === undefined ? [] : [given.signal])];
  return authorized(options, (token) =>
    fetch(urlOf(options.url, request), {
      method: request.method,
      headers: headersOf(options, request, given, token),
      body: request.body === undefined ? undefined : JSON.stringify(request.body),
      signal: AbortSignal.any(signals),
      // A redirect could carry the token elsewhere.
      redirect: 'error',
    }),
  );
}

/** Sends with the token at hand, once more with a newer one when that is refused, and throws ApiError unless it succeeds. */
async function authorized({ url, credentials }: ClientOptions, attempt: (token?: string) => Promise<Response>): Promise<Response> {
  const token = await credentials?.token();
  let response = await reach(url, () => attempt(token));
  if (response.status === 401 && token !== undefined) {
    const newer = await credentials?.renewed(token);
    if (newer !== undefined) {
      await response.body?.cancel();
      response = await reach(url, () => attempt(newer));
    }
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function reach(url: string, attempt: () => Promise<Response>): Promise<Response> {
  try {
    return await attempt();
  } catch (error) {
    const { name, cause } = error as { name?: string; cause?: NodeJS.ErrnoException };
    if (name === 'AbortError' || error instanceof CliError) throw error;
    if (name === 'TimeoutError') throw new UnreachableError(`${url} did not answer in time`, exitCodes.timeout, { cause: error });
    const code = cause?.code === undefined ? '' : ` (${cause.code})`;
    throw new UnreachableError(`${url} can't be reached${code}`, exitCodes.failed, { cause: error });
  }
}

async function readJson(response: Response): Promise<unknown> {
  if (response.status === 204) return {};
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function urlOf(base: string, { path }: ApiRequest): string {
  return `${base.replace(/\/+$/, '')}${path}`;
}

function headersOf(
  { correlationId }: ClientOptions,
  request: ApiRequest,
  { cookie }: RequestOptions,
  token: string | undefined,
): Record<string, string> {
  return {
    ...request.headers,
    accept: 'application/json',
    [contextHeaders.correlationId]: correlationId,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(cookie === undefined ? {} : { cookie }),
    ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
  };
}
