import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import type { Permission } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import type { RequestContext } from '@fairlead/telemetry';

/** What a handler knows of its caller. */
export interface RpcCall {
  readonly principal: Principal;
  readonly context: RequestContext;
  /** Aborted when the caller has gone or its deadline has passed; a stream's also when the caller's token ends, and with the error that it ends with when its reader takes nothing. */
  readonly signal: AbortSignal;
}

/** What a call needs before its handler runs. */
interface Guarded {
  readonly permission: Permission;
  /** The handler heeds the caller's scope; without it, callers who are kept to one are refused. */
  readonly scoped?: boolean;
  /** The permission is enough on any part of the platform; the handler looks itself at where, and answers or does no more than that. */
  readonly anywhere?: boolean;
}

/** One RPC: the permission it needs and what it does. */
export interface Rpc<Request, Response> extends Guarded {
  handle(this: void, request: Request, call: RpcCall): Promise<Response>;
}

/**
 * One RPC that answers with a stream: the same, message by message. It is asked for the next one when the reader has
 * taken the ones before, so it must not gather messages by itself without a bound.
 */
export interface StreamRpc<Request, Response> extends Guarded {
  stream(this: void, request: Request, call: RpcCall): AsyncIterable<Response>;
  /** Where to go on after a message: what a reader is told who is cut off, for taking nothing. */
  cursorOf?(this: void, message: Response): string;
}

type RequestOf<Method> = Method extends { requestDeserialize: (bytes: Buffer) => infer Request } ? Request : never;
type ResponseOf<Method> = Method extends { responseDeserialize: (bytes: Buffer) => infer Response } ? Response : never;

type Streams = { responseStream: true };

/** A handler for every method of a service: a forgotten one does not compile. */
export type RpcHandlers<Definition> = {
  [Name in keyof Definition]: Definition[Name] extends Streams
    ? StreamRpc<RequestOf<Definition[Name]>, ResponseOf<Definition[Name]>>
    : Rpc<RequestOf<Definition[Name]>, ResponseOf<Definition[Name]>>;
};

/** A client's methods: the same, with per-call options. A stream is read with `for await`; leaving the loop ends the call. */
export type RpcMethods<Definition> = {
  [Name in keyof Definition]: Definition[Name] extends Streams
    ? (request: RequestOf<Definition[Name]>, options?: CallOptions) => AsyncGenerator<ResponseOf<Definition[Name]>, void, undefined>
    : (request: RequestOf<Definition[Name]>, options?: CallOptions) => Promise<ResponseOf<Definition[Name]>>;
};

export interface CallOptions {
  /** How long the whole call may take; a stream has all the time there is unless this says otherwise. */
  deadlineMs?: number;
  signal?: AbortSignal;
  /** The token to call with instead of the client's own. */
  token?: string;
}

/** A service definition with its handlers, ready for the transport. */
export interface RpcService {
  readonly definition: ServiceDefinition;
  readonly rpcs: ReadonlyMap<string, AnyRpc>;
}

export type AnyRpc = Rpc<unknown, unknown> | StreamRpc<unknown, unknown>;

/** Declares one RPC; `scoped` when its handler heeds the scope that its caller may be kept to, `anywhere` when it looks itself at where they have the permission. */
export function rpc<Request, Response>(
  permission: Permission,
  handle: Rpc<Request, Response>['handle'],
  { scoped = false, anywhere = false }: { scoped?: boolean; anywhere?: boolean } = {},
): Rpc<Request, Response> {
  return { permission, scoped, anywhere, handle };
}

/** Declares one RPC that answers with a stream; `scoped` and `anywhere` as for others. */
export function streamRpc<Request, Response>(
  { permission, scoped = false, anywhere = false, cursorOf }: Omit<StreamRpc<Request, Response>, 'stream'>,
  stream: StreamRpc<Request, Response>['stream'],
): StreamRpc<Request, Response> {
  return { permission, scoped, anywhere, cursorOf, stream };
}

/** Binds handlers to a generated service definition. */
export function defineRpcs<Definition extends ServiceDefinition>(definition: Definition, handlers: RpcHandlers<Definition>): RpcService {
  return { definition, rpcs: new Map(Object.entries(handlers)) as ReadonlyMap<string, AnyRpc> };
}

export type AnyMethod = MethodDefinition<unknown, unknown>;
