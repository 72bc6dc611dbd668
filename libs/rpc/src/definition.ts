import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import type { Permission } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import type { RequestContext } from '@fairlead/telemetry';

/** What a handler knows of its caller. */
export interface RpcCall {
  readonly principal: Principal;
  readonly context: RequestContext;
  /** Aborted when the caller has gone or its deadline has passed. */
  readonly signal: AbortSignal;
}

/** One RPC: the permission it needs and what it does. */
export interface Rpc<Request, Response> {
  readonly permission: Permission;
  handle(this: void, request: Request, call: RpcCall): Promise<Response>;
}

type RequestOf<Method> = Method extends { requestDeserialize: (bytes: Buffer) => infer Request } ? Request : never;
type ResponseOf<Method> = Method extends { responseDeserialize: (bytes: Buffer) => infer Response } ? Response : never;

/** A handler for every method of a service: a forgotten one does not compile. */
export type RpcHandlers<Definition> = { [Name in keyof Definition]: Rpc<RequestOf<Definition[Name]>, ResponseOf<Definition[Name]>> };

/** A client's methods: the same, with per-call options. */
export type RpcMethods<Definition> = {
  [Name in keyof Definition]: (request: RequestOf<Definition[Name]>, options?: CallOptions) => Promise<ResponseOf<Definition[Name]>>;
};

export interface CallOptions {
  /** How long the whole call may take. */
  deadlineMs?: number;
  signal?: AbortSignal;
  /** The token to call with instead of the client's own. */
  token?: string;
}

/** A service definition with its handlers, ready for the transport. */
export interface RpcService {
  readonly definition: ServiceDefinition;
  readonly rpcs: ReadonlyMap<string, Rpc<unknown, unknown>>;
}

/** Declares one RPC. */
export function rpc<Request, Response>(permission: Permission, handle: Rpc<Request, Response>['handle']): Rpc<Request, Response> {
  return { permission, handle };
}

/** Binds handlers to a generated service definition. */
export function defineRpcs<Definition extends ServiceDefinition>(definition: Definition, handlers: RpcHandlers<Definition>): RpcService {
  return { definition, rpcs: new Map(Object.entries(handlers)) as ReadonlyMap<string, Rpc<unknown, unknown>> };
}

export type UnaryMethod = MethodDefinition<unknown, unknown>;
