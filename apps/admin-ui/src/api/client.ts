import { createApiClient, requestOf, type ApiClient, type Call } from '@fairlead/api-client';
import { readJson, send, type RequestOptions } from './http.js';
import { ApiProblem, asProblem } from './problem.js';
import type { Session } from './session.js';

/** The gateway's operations, called as the user who is signed in. All throw ApiProblem. */
export interface Client extends ApiClient<Pick<RequestOptions, 'signal'>> {
  /** Opens a stream of server-sent events. */
  stream(id: StreamId, call: Call<StreamId>, options: { readonly signal: AbortSignal }): Promise<ReadableStream<Uint8Array>>;
}

/** The operations that answer server-sent events and nothing else. */
type StreamId = 'jobEvents.events';

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
    ...createApiClient(async ({ path, ...request }, options?: Pick<RequestOptions, 'signal'>) =>
      readJson(await authorized(path, { ...request, ...options })),
    ),
    stream: async (id, call, { signal }) => {
      const { path, headers } = requestOf(id, call);
      const { body } = await authorized(path, { headers: { ...headers, accept: 'text/event-stream' }, signal });
      if (body === null) throw new ApiProblem({ status: 0, code: 'unreachable', detail: 'The gateway opened no stream' });
      return body;
    },
  };
}

function signedOut(): ApiProblem {
  return new ApiProblem({ status: 401, code: 'unauthenticated', detail: 'Nobody is signed in' });
}
