import { ApiProblem, problemOf } from './problem.js';

export interface RequestOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Sends one request to the gateway that served this page. Throws ApiProblem for anything but a success. */
export async function send(path: string, { method = 'GET', body, headers, signal }: RequestOptions = {}): Promise<Response> {
  const init: RequestInit = {
    method,
    headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
    // A redirect could carry the token elsewhere.
    redirect: 'error',
  };
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiProblem({ status: 0, code: 'unreachable', detail: 'The gateway can not be reached' });
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** The JSON of an answer; undefined when it has no body. Throws ApiProblem for what is not JSON. */
export async function readJson<T>(response: Response): Promise<T> {
  const text = await response.text();
  if (text === '') return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiProblem({ status: response.status, code: 'not_json', detail: 'The gateway answered something that is not JSON' });
  }
}
