import { Client, credentials, Metadata, type ServiceDefinition, type ServiceError } from '@grpc/grpc-js';
import { authorizationHeader, FairleadError, sourceAddressHeader } from '@fairlead/contracts';
import { currentContext, headersOfContext, noTracing, type Tracing } from '@fairlead/telemetry';
import type { TlsSource } from '@fairlead/tls';
import { maxMessageBytes } from './bounds.js';
import type { AnyMethod, CallOptions, RpcMethods } from './definition.js';
import { fromGrpcError } from './status.js';
import { clientCredentials, serverOf } from './tls.js';
import { traceRpc } from './trace.js';

export type RpcClient<Definition> = RpcMethods<Definition> & { close(): void };

export interface RpcClientOptions {
  /** `host:port`. */
  address: string;
  /** The token of each call that brings none of its own. */
  token: () => string | Promise<string>;
  /** How long a call may take unless it says otherwise. */
  deadlineMs?: number;
  /** Gets a client span per call. */
  tracing?: Tracing;
  /** Mutual TLS with the service that answers these methods; plain text without it. */
  tls?: TlsSource;
}

/**
 * Makes a client with one async method per RPC. Errors come as FairleadError: the service's own, or
 * `service_unreachable` and `deadline_exceeded`. The context at hand travels as metadata.
 */
export function createRpcClient<Definition extends ServiceDefinition>(
  definition: Definition,
  options: RpcClientOptions,
): RpcClient<Definition> {
  const { tracing = noTracing, tls } = options;
  const server = tls === undefined ? undefined : { name: serverOf(definition), tls };
  const client = new Client(
    options.address,
    server === undefined ? credentials.createInsecure() : clientCredentials(server.tls, server.name),
    {
      // A name that an address has not got.
      ...(server === undefined ? {} : { 'grpc.ssl_target_name_override': server.name }),
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': maxMessageBytes,
      // A restarted service is found again soon; the default backs off for up to two minutes.
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.keepalive_time_ms': 30_000,
    },
  );
  const methods = Object.entries(definition).map(([name, definition]) => {
    const method = definition as AnyMethod;
    // A stream has a span on the serving side alone: here its life is the reader's.
    if (method.responseStream)
      return [name, (request: unknown, callOptions: CallOptions = {}) => callStream(client, method, request, callOptions, options)];
    return [
      name,
      (request: unknown, callOptions: CallOptions = {}) =>
        traceRpc(tracing, { kind: 'client', path: method.path }, () => callUnary(client, method, request, callOptions, options)),
    ];
  });
  return Object.assign(Object.fromEntries(methods) as RpcMethods<Definition>, {
    close: () => {
      client.close();
    },
  });
}

async function callUnary(
  client: Client,
  method: AnyMethod,
  request: unknown,
  call: CallOptions,
  options: RpcClientOptions,
): Promise<unknown> {
  const service = serviceOf(method);
  const metadata = await metadataOf(call, options);
  refuseAborted(call, service);
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + (call.deadlineMs ?? options.deadlineMs ?? 10_000);
    const running = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata,
      { deadline },
      (error, response) => {
        call.signal?.removeEventListener('abort', abort);
        if (error === null) resolve(response);
        else reject(fromGrpcError(error, service));
      },
    );
    const abort = () => {
      running.cancel();
    };
    call.signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Messages are asked for as they are read: a reader that stops holds the server up, not memory. */
async function* callStream(
  client: Client,
  method: AnyMethod,
  request: unknown,
  call: CallOptions,
  options: RpcClientOptions,
): AsyncGenerator<unknown, void, undefined> {
  const service = serviceOf(method);
  const metadata = await metadataOf(call, options);
  refuseAborted(call, service);
  const deadline = call.deadlineMs === undefined ? Infinity : Date.now() + call.deadlineMs;
  const { path, requestSerialize, responseDeserialize } = method;
  const running = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata, { deadline });
  const abort = () => {
    running.cancel();
  };
  call.signal?.addEventListener('abort', abort, { once: true });
  try {
    for await (const message of running) yield message as unknown;
  } catch (error) {
    throw fromGrpcError(error as ServiceError, service);
  } finally {
    call.signal?.removeEventListener('abort', abort);
    abort();
  }
}

async function metadataOf(call: CallOptions, options: RpcClientOptions): Promise<Metadata> {
  const metadata = new Metadata();
  const context = currentContext();
  if (context !== undefined) for (const [name, value] of Object.entries(headersOfContext(context))) metadata.set(name, value);
  if (context?.sourceAddress !== undefined) metadata.set(sourceAddressHeader, context.sourceAddress);
  metadata.set(authorizationHeader, `Bearer ${call.token ?? (await options.token())}`);
  return metadata;
}

const serviceOf = (method: AnyMethod) => method.path.split('/')[1]?.split('.')[1] ?? method.path;

function refuseAborted(call: CallOptions, service: string): void {
  if (call.signal?.aborted === true) throw new FairleadError('deadline_exceeded', `the call to ${service} was given up`);
}
