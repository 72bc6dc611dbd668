import { isIP } from 'node:net';
import {
  Server as GrpcServer,
  ServerCredentials,
  type Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { authorizationHeader, FairleadError, onlyReads, sourceAddressHeader } from '@fairlead/contracts';
import { requirePermission, viaOf, type Principal, type TokenVerifier } from '@fairlead/auth';
import {
  contextFromHeaders,
  currentContext,
  noTracing,
  runInContext,
  type Logger,
  type RequestContext,
  type Tracing,
} from '@fairlead/telemetry';
import type { TlsSource } from '@fairlead/tls';
import { bounded, maxMessageBytes, readable, requireMetadata } from './bounds.js';
import type { AnyRpc, Rpc, RpcCall, RpcService, StreamRpc } from './definition.js';
import { toGrpcError } from './status.js';
import { logHandshakes, requireCaller, requireOwnToken, serverCredentials } from './tls.js';
import { traceRpc } from './trace.js';

export interface GrpcTransportOptions {
  host: string;
  /** 0 for any free port. */
  port: number;
  services: readonly RpcService[];
  verifier: TokenVerifier;
  /**
   * Asked before what a user calls and does more than to read: throws when it would not be recorded. Services that act for them have
   * been let in before, and finish what they began.
   */
  auditGate?: { check(): Promise<void> };
  logger: Logger;
  /** Gets a server span per call. */
  tracing?: Tracing;
  /** Called after each call with its method, outcome code and duration. */
  observe?: (method: string, code: string, seconds: number) => void;
  /** Mutual TLS: the table of `rpcAccess` says who may call what, before any token counts. Plain text without it. */
  tls?: TlsSource;
  /** After this long a connection over TLS makes way for a new one, which brings the newest certificate; calls on it go on. An hour when not given. */
  maxConnectionAgeMs?: number;
  /** How long a stream's reader may take nothing of what waits for it; 30 s when not given. */
  stallMs?: number;
}

/**
 * Nest's transport for our gRPC services. Handlers come from explicit, typed tables instead of decorators: a
 * missing one does not compile, and each call goes the same way: token, permission, context, handler, error.
 */
export class GrpcTransport extends Server implements CustomTransportStrategy {
  private readonly server: GrpcServer;
  private boundPort = 0;
  private readonly streams = new Set<AbortController>();

  constructor(private readonly options: GrpcTransportOptions) {
    super();
    this.server = new GrpcServer({
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': maxMessageBytes,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.http2.min_time_between_pings_ms': 5_000,
      ...(options.tls === undefined ? {} : { 'grpc.max_connection_age_ms': options.maxConnectionAgeMs ?? defaultMaxConnectionAgeMs }),
    });
    for (const { definition, rpcs } of options.services) {
      const implementation = Object.fromEntries(
        Object.entries(definition).map(([name, method]) => {
          const found = rpcs.get(name);
          if (found === undefined) throw new Error(`no handler for ${method.path}`);
          return [name, 'stream' in found ? this.streamerOf(method.path, found) : this.handlerOf(method.path, found)];
        }),
      );
      this.server.addService(bounded(definition), implementation);
    }
  }

  /** `host:port` the server listens on. */
  get address(): string {
    return `${this.options.host}:${String(this.boundPort)}`;
  }

  listen(callback: (error?: unknown) => void): void {
    const { host, port: wanted, tls } = this.options;
    const credentials = tls === undefined ? ServerCredentials.createInsecure() : serverCredentials(tls);
    this.server.bindAsync(`${host}:${String(wanted)}`, credentials, (error, port) => {
      this.boundPort = port;
      if (tls !== undefined && error === null) logHandshakes(this.server, this.options.logger);
      callback(error ?? undefined);
    });
  }

  /** Ends streams, and lets other calls in flight finish, for 5 s at most. */
  async close(): Promise<void> {
    for (const stream of this.streams) stream.abort();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.server.forceShutdown();
        resolve();
      }, 5_000);
      this.server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  override on(): void {
    // Connection events are of no use here; the readiness probe tells whether the service answers.
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the signature is Nest's
  override unwrap<T>(): T {
    return this.server as T;
  }

  private handlerOf(path: string, found: Rpc<unknown, unknown>) {
    return (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
      const aborter = new AbortController();
      call.on('cancelled', () => {
        aborter.abort();
      });
      const finish = this.observing(path);
      this.guarded(path, found, call, ({ principal, context }) =>
        found.handle(readable(call.request), { principal, context, signal: aborter.signal }),
      ).then(
        (response) => {
          finish();
          callback(null, response);
        },
        (error: unknown) => {
          finish(error);
          callback(toGrpcError(error));
        },
      );
    };
  }

  private streamerOf(path: string, found: StreamRpc<unknown, unknown>) {
    return (call: ServerWritableStream<unknown, unknown>): void => {
      const aborter = new AbortController();
      this.streams.add(aborter);
      for (const ending of ['cancelled', 'close'] as const)
        call.on(ending, () => {
          aborter.abort();
        });
      const finish = this.observing(path);
      this.guarded(path, found, call, (caller) =>
        send(found, call, { ...caller, stallMs: this.options.stallMs ?? defaultStallMs }, aborter),
      )
        .then(
          () => {
            finish();
            call.end();
          },
          (error: unknown) => {
            finish(error);
            // How grpc-js is told a stream's status; it is sent behind the messages.
            call.emit('error', toGrpcError(error));
          },
        )
        .finally(() => this.streams.delete(aborter));
    };
  }

  /** Begins a call's measurement; what it answers ends it. */
  private observing(path: string): (error?: unknown) => void {
    const startedAt = process.hrtime.bigint();
    return (error) => {
      const code = error === undefined ? 'ok' : error instanceof FairleadError ? error.code : 'internal';
      this.options.observe?.(path, code, Number(process.hrtime.bigint() - startedAt) / 1e9);
    };
  }

  /** Runs a handler in the call's span and context, once its caller is known and may do so. */
  private guarded<T>(path: string, found: AnyRpc, call: Call, work: (caller: Caller) => Promise<T>): Promise<T> {
    const { metadata } = call;
    const bare = contextFromHeaders((name) => headerOf(metadata, name));
    const run = async () => {
      try {
        requireMetadata(metadata);
        const peer = this.options.tls === undefined ? undefined : requireCaller(call.getAuthContext().sslPeerCertificate, path);
        const token = /^Bearer (.+)$/.exec(headerOf(metadata, authorizationHeader) ?? '')?.[1];
        if (token === undefined) throw new FairleadError('unauthenticated', 'An access token is needed');
        const principal = await this.options.verifier.verify(token);
        if (peer !== undefined) requireOwnToken(peer, principal);
        requirePermission(principal, found.permission, { scoped: found.scoped, anywhere: found.anywhere });
        if (principal.kind !== 'service' && !onlyReads(found.permission)) await this.options.auditGate?.check();
        const context: RequestContext = {
          ...(currentContext() ?? bare),
          principal: principal.onBehalfOf ?? principal.id,
          via: viaOf(principal),
          ...sourceAddressOf(metadata),
        };
        return await runInContext(context, () => work({ principal, context }));
      } catch (error) {
        const expected = error instanceof FairleadError && error.kind !== 'internal';
        this.options.logger[expected ? 'info' : 'error']({ err: error, rpc: path }, 'an RPC was answered with an error');
        throw error;
      }
    };
    return traceRpc(this.options.tracing ?? noTracing, { kind: 'server', path, context: bare }, run);
  }
}

const defaultStallMs = 30_000;
const defaultMaxConnectionAgeMs = 3_600_000;

type Call = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>;

type Caller = Pick<RpcCall, 'principal' | 'context'>;

/** Where a caller says that the request at the edge came from. */
function sourceAddressOf(metadata: Metadata): Pick<RequestContext, 'sourceAddress'> {
  const address = headerOf(metadata, sourceAddressHeader);
  return address === undefined || isIP(address) === 0 ? {} : { sourceAddress: address };
}

/**
 * Sends a stream's messages as fast as they are taken. Ends with an error when the reader takes nothing, the caller's
 * token ends, or the server does: the end without one means that there is nothing more to tell.
 */
async function send(
  found: StreamRpc<unknown, unknown>,
  call: ServerWritableStream<unknown, unknown>,
  { stallMs, ...caller }: Caller & { stallMs: number },
  aborter: AbortController,
): Promise<void> {
  const { signal } = aborter;
  const expired = expiry(caller.principal, aborter);
  try {
    for await (const message of found.stream(readable(call.request), { ...caller, signal })) {
      if (signal.aborted) break;
      const stalled = setTimeout(() => {
        const details = found.cursorOf === undefined ? undefined : { cursor: found.cursorOf(message) };
        aborter.abort(new FairleadError('overloaded', 'the reader takes nothing', { details }));
      }, stallMs);
      await written(call, message, signal).finally(() => {
        clearTimeout(stalled);
      });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    expired.cancel();
  }
  if (signal.reason instanceof FairleadError) throw signal.reason;
  if (expired.happened()) throw new FairleadError('unauthenticated', 'The access token has expired');
  if (signal.aborted && !call.cancelled) throw new FairleadError('unavailable', 'The service is stopping');
}

/**
 * Writes a message and waits until it has been handed to the connection, or the signal aborts: one message at a time waits for its
 * reader. The call itself would let sixteen wait, however large they are.
 */
function written(call: ServerWritableStream<unknown, unknown>, message: unknown, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = () => {
      reject(new Error('the call has ended'));
    };
    signal.addEventListener('abort', gone, { once: true });
    call.write(message, (error?: Error | null) => {
      signal.removeEventListener('abort', gone);
      if (error == null) resolve();
      else reject(error);
    });
  });
}

/** Aborts when the principal's token ends. */
function expiry({ expiresAtMs }: Principal, aborter: AbortController): { happened(): boolean; cancel(): void } {
  let happened = false;
  const timer = setTimeout(
    () => {
      happened = true;
      aborter.abort();
    },
    Math.min(Math.max(expiresAtMs - Date.now(), 0), maxTimerMs),
  );
  return {
    happened: () => happened,
    cancel: () => {
      clearTimeout(timer);
    },
  };
}

/** Node's timers end at once beyond this: 24 days, longer than any token. */
const maxTimerMs = 2 ** 31 - 1;

function headerOf(metadata: Metadata, name: string): string | undefined {
  return metadata.get(name)[0]?.toString();
}
