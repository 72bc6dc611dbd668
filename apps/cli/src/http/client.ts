import type { z } from 'zod';
import { contextHeaders } from '@fairlead/contracts';
import { CliError, exitCodes } from '../exit.js';
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
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: object;
  /** Makes a POST safe to repeat. */
  readonly idempotencyKey?: string;
  /** Safe to repeat by itself; GET requests are. */
  readonly repeatable?: boolean;
  /** The tenant that the request is about, where its path names one. */
  readonly tenant?: string;
  /** `name=value`. */
  readonly cookie?: string;
  readonly signal?: AbortSignal;
}

/** Talks HTTP to the gateway. */
export interface HttpClient {
  /** Sends a request and reads its JSON by a schema. Throws ApiError for a problem, CliError when there is no answer. */
  json<Schema extends z.ZodType>(schema: Schema, path: string, options?: RequestOptions): Promise<z.output<Schema>>;
  /** The same, with the answer's headers. */
  exchange<Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    options?: RequestOptions,
  ): Promise<{ body: z.output<Schema>; headers: Headers }>;
  /** Opens a stream of server-sent events; the caller reads and cancels it. */
  stream(
    path: string,
    options: { query?: RequestOptions['query']; headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<ReadableStream<Uint8Array>>;
}

const defaultTimeoutMs = 30_000;
const defaultRetryDelaysMs = [250, 1_000];

/**
 * Makes a client. Requests that may be repeated are, when no answer comes or a 502 or 503 does. When the gateway refuses
 * the token, a request is sent once more with a newer one, if there is one: nothing was done.
 */
export function createHttpClient(options: ClientOptions): HttpClient {
  const exchange: HttpClient['exchange'] = async (schema, path, request = {}) => {
    const response = await sendWithRetries(options, path, request);
    const parsed = schema.safeParse(await readJson(response));
    if (parsed.success) return { body: parsed.data, headers: response.headers };
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new CliError(`${options.url} does not answer like a Fairlead gateway: ${path} has no usable ${where === '' ? 'body' : where}`);
  };
  return {
    exchange,
    json: async (schema, path, request) => (await exchange(schema, path, request)).body,
    stream: async (path, { query, headers, signal }) => {
      const response = await authorized(options, (token) => {
        const all = { ...headersOf(options, {}, token), accept: 'text/event-stream', ...headers };
        return fetch(urlOf(options.url, path, query), { headers: all, signal, redirect: 'error' });
      });
      if (response.body === null) throw await problemOf(response);
      return response.body;
    },
  };
}

async function sendWithRetries(options: ClientOptions, path: string, request: RequestOptions): Promise<Response> {
  const repeatable = request.repeatable ?? ((request.method ?? 'GET') === 'GET' || request.idempotencyKey !== undefined);
  const delaysMs = repeatable ? (options.retryDelaysMs ?? defaultRetryDelaysMs) : [];
  for (const delayMs of delaysMs) {
    try {
      return await send(options, path, request);
    } catch (error) {
      if (!isPassing(error) || request.signal?.aborted === true) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
  return send(options, path, request);
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

async function send(options: ClientOptions, path: string, request: RequestOptions): Promise<Response> {
  const signals = [AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs), ...(request.signal === undefined ? [] : [request.signal])];
  return authorized(options, (token) =>
    fetch(urlOf(options.url, path, request.query), {
      method: request.method ?? 'GET',
      headers: headersOf(options, request, token),
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

function urlOf(base: string, path: string, query: RequestOptions['query'] = {}): string {
  const root = base.replace(/\/+$/, '');
  const url = new URL(`${root}${path}`);
  // A name that is empty, or that a URL takes for a way to somewhere else, would be about another thing.
  if (`${url.origin}${url.pathname}` !== new URL(root).href.replace(/\/+$/, '') + path || path.endsWith('/') || path.includes('//'))
    throw new CliError(`no name can be empty, . or ..: ${decodeURIComponent(path)}`, exitCodes.usage);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  return url.href;
}

function headersOf(options: ClientOptions, request: RequestOptions, token: string | undefined): Record<string, string> {
  return {
    accept: 'application/json',
    [contextHeaders.correlationId]: options.correlationId,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(request.cookie === undefined ? {} : { cookie: request.cookie }),
    ...(request.tenant === undefined ? {} : { [contextHeaders.tenantId]: request.tenant }),
    ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(request.idempotencyKey === undefined ? {} : { 'idempotency-key': request.idempotencyKey }),
  };
}
