import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** An error answered as an RFC 9457 problem document with a stable `code`. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'Problem';
  }
}

export interface HttpRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
  /** The caller has gone. */
  closed(): boolean;
}

export interface HttpAnswer {
  status: number;
  /** An object is sent as JSON, a text as it is. */
  body: object | string;
  contentType?: string;
}

export interface Route {
  method: 'GET' | 'POST';
  /** Segments starting with a colon are parameters. */
  path: string;
  handle(request: HttpRequest): HttpAnswer | Promise<HttpAnswer>;
}

const maxBodyBytes = 4 * 1024 * 1024;

/** A small HTTP server over a list of routes: JSON in and out, problems as errors. */
export class HttpServer {
  private readonly server: Server;
  private readonly routes: { route: Route; segments: string[] }[];

  /** @param onError told of errors that are no Problem; the caller gets a 500 without details */
  constructor(
    routes: readonly Route[],
    private readonly onError: (error: unknown) => void,
  ) {
    this.routes = routes.map((route) => ({ route, segments: route.path.split('/') }));
    this.server = createServer((request, response) => void this.answer(request, response));
    // Longer than any client of ours keeps an idle connection, so that none is closed under a request.
    this.server.keepAliveTimeout = 65_000;
  }

  /** Listens on a port of the loopback or another address, 0 for any free one; returns the port. Fails as listen does. */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.removeListener('error', reject);
        resolve();
      });
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends at once: open requests lose their connections. */
  async destroy(): Promise<void> {
    const closed = new Promise<void>((resolve) =>
      this.server.close(() => {
        resolve();
      }),
    );
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: HttpAnswer;
    try {
      answer = await this.dispatch(request, response);
    } catch (error) {
      // Nobody is left to hear of it: the caller hung up, or a crash took the connections first.
      if (response.destroyed) return;
      answer = problemAnswer(error, this.onError);
    }
    if (response.destroyed) return;
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
    response.writeHead(answer.status, {
      'content-type': answer.contentType ?? 'application/json',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
    });
    response.end(text);
  }

  private async dispatch(request: IncomingMessage, response: ServerResponse): Promise<HttpAnswer> {
    if (!URL.canParse(request.url ?? '/', 'http://localhost')) throw new Problem(400, 'invalid_argument', 'the path is not understood');
    const url = new URL(request.url ?? '/', 'http://localhost');
    const match = this.find(request.method ?? '', url.pathname);
    const body = match.route.method === 'POST' ? await readJson(request) : undefined;
    return match.route.handle({
      params: match.params,
      query: url.searchParams,
      body,
      headers: request.headers,
      closed: () => response.destroyed,
    });
  }

  private find(method: string, path: string): { route: Route; params: Record<string, string> } {
    const given = path.split('/');
    let pathKnown = false;
    for (const { route, segments } of this.routes) {
      const params = matchSegments(segments, given);
      if (params === undefined) continue;
      if (route.method === method) return { route, params };
      pathKnown = true;
    }
    throw pathKnown
      ? new Problem(405, 'method_not_allowed', 'the path has no such method')
      : new Problem(404, 'not_found', 'there is no such path');
  }
}

/** Reads a value by a schema. Throws a Problem 400 `invalid_argument` that names the member at fault. */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  throw new Problem(
    400,
    'invalid_argument',
    where === '' ? (issue?.message ?? 'not understood') : `${where}: ${issue?.message ?? 'not understood'}`,
  );
}

function matchSegments(segments: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (segments.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = given[index] ?? '';
    if (segment.startsWith(':')) params[segment.slice(1)] = value;
    else if (segment !== value) return undefined;
  }
  return params;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  // A browser can't send this type to another origin without asking first, which nothing here allows.
  if (!(request.headers['content-type'] ?? '').startsWith('application/json'))
    throw new Problem(415, 'invalid_argument', 'the body has to be JSON');
  const chunks: Buffer[] = [];
  let bytes = 0;
  // What is too large is read to its end and thrown away: a caller hears the answer only after it could send everything.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  }
  if (bytes > maxBodyBytes) throw new Problem(413, 'too_large', 'the body is too large');
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Problem(400, 'invalid_argument', 'the body is not JSON');
  }
}

function problemAnswer(error: unknown, onError: (error: unknown) => void): HttpAnswer {
  const problem = error instanceof Problem ? error : new Problem(500, 'internal', 'an unexpected error');
  if (problem !== error) onError(error);
  return {
    status: problem.status,
    contentType: 'application/problem+json',
    body: {
      type: 'about:blank',
      title: STATUS_CODES[problem.status],
      status: problem.status,
      detail: problem.message,
      code: problem.code,
      ...problem.details,
    },
  };
}
