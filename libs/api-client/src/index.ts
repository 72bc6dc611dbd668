/** The gateway's API, typed by its document. It knows no transport: whoever uses it sends the requests. */
import { operations } from './generated/operations.js';
import type { components, operations as Operations } from './generated/schema.js';

export { jobTarget } from './job-target.js';
export { changeOperations, isChangeKind, type ChangeKind } from './changes.js';

export type OperationId = keyof Operations & keyof typeof operations;

/** What the API calls by a name, such as `Job`. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

type Parameters<Id extends OperationId, In extends 'path' | 'query' | 'header'> = Operations[Id] extends { parameters: infer Given }
  ? In extends keyof Given
    ? NonNullable<Given[In]>
    : never
  : never;
/** What can stand behind the `?` of an operation. */
export type Query<Id extends OperationId> = Parameters<Id, 'query'>;
/** The JSON that an operation takes. */
export type Body<Id extends OperationId> = Operations[Id] extends { requestBody?: { content: { 'application/json': infer Given } } }
  ? Given
  : never;
type Good = 200 | 201 | 202;
type Content<Answer> = Answer extends { content: { 'application/json': infer Json } } ? Json : undefined;
/** The JSON that an operation answers; undefined for none. */
export type Answer<Id extends OperationId> = Operations[Id] extends { responses: infer All }
  ? Good & keyof All extends never
    ? undefined
    : Content<All[Good & keyof All]> | (204 extends keyof All ? undefined : never)
  : never;

type Part<Name extends string, Value> = [Value] extends [never]
  ? unknown
  : Partial<Value> extends Value
    ? { readonly [Key in Name]?: Value }
    : { readonly [Key in Name]: Value };
/** What an operation takes, in its parts. */
export type Call<Id extends OperationId> = Part<'path', Parameters<Id, 'path'>> &
  Part<'query', Query<Id>> &
  Part<'headers', Parameters<Id, 'header'>> &
  Part<'body', Body<Id>>;

/** A request as it is to be sent. */
export interface ApiRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** To be sent as JSON. */
  readonly body: unknown;
}

interface Parts {
  readonly path?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

/** A name that can't stand in a path: it would be about something else. */
export class UnusableName extends Error {
  override readonly name = 'UnusableName';
}

/** The request of an operation. Throws UnusableName when a part of its path is missing, empty, `.` or `..`, which would be another route. */
export function requestOf<Id extends OperationId>(id: Id, call: Call<Id>): ApiRequest {
  const { method, path } = operations[id];
  const parts = call as Parts;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = parts.path?.[name];
    if (value === undefined || ['', '.', '..'].includes(String(value))) throw new UnusableName(`${id} needs ${name}, not empty, . or ..`);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams(entriesOf(parts.query)).toString();
  return {
    method,
    path: query === '' ? filled : `${filled}?${query}`,
    headers: Object.fromEntries(entriesOf(parts.headers)),
    body: parts.body,
  };
}

/** Those that are there, as texts. */
function entriesOf(values: Parts['query'] = {}): [string, string][] {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as [string, string]]));
}

/** Calls operations by their names. */
export interface ApiClient<Options> {
  call<Id extends OperationId>(id: Id, call: Call<Id>, options?: Options): Promise<Answer<Id>>;
}

/** Makes a client of what sends a request and answers its JSON, undefined for none; it throws for a problem. */
export function createApiClient<Options = never>(send: (request: ApiRequest, options?: Options) => Promise<unknown>): ApiClient<Options> {
  return {
    call: async <Id extends OperationId>(id: Id, call: Call<Id>, options?: Options) =>
      (await send(requestOf(id, call), options)) as Answer<Id>,
  };
}
