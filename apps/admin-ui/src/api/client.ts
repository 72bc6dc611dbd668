import { readJson, send, type RequestOptions } from './http.js';
import { ApiProblem, asProblem } from './problem.js';
import type { Session } from './session.js';

/** The gateway's routes, asked as the user who is signed in. All throw ApiProblem. */
export interface Client {
  get<T>(path: string, options?: Omit<RequestOptions, 'method' | 'body'>): Promise<T>;
  post<T>(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<T>;
  /** Opens a stream of server-sent events. */
  stream(path: string, options: RequestOptions & { signal: AbortSignal }): Promise<ReadableStream<Uint8Array>>;
}

/** Makes a client; a token that is refused is renewed once, and the request repeated. */
export function createClient(session: Pick<Session, 'token' | 'renew'>, transport: typeof send = send): Client {
  const authorized = async (path: string, options: RequestOptions): Promise<Response> => {
    const token = session.token();
    if (token === undefined) throw signedOut();
    const attempt = (bearer: string) => transport(path, { ...options, headers: { ...options.headers, authorization: `Bearer ${bearer}` } });
    try {
      return await attempt(token);
    } catch (error) {
      if (asProblem(error).status !== 401) throw error;
      const renewed = await session.renew(token);
      if (renewed === undefined) throw error;
      return attempt(renewed);
    }
  };
  return {
    get: async (path, options = {}) => readJson(await authorized(path, options)),
    post: async (path, body, headers) => readJson(await authorized(path, { method: 'POST', body, headers })),
    stream: async (path, options) => {
      const { body } = await authorized(path, { ...options, headers: { ...options.headers, accept: 'text/event-stream' } });
      if (body === null) throw new ApiProblem({ status: 0, code: 'unreachable', detail: 'The gateway opened no stream' });
      return body;
    },
  };
}

function signedOut(): ApiProblem {
  return new ApiProblem({ status: 401, code: 'unauthenticated', detail: 'Nobody is signed in' });
}
