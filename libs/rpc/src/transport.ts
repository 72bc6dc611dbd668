import { Server as GrpcServer, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { authorizationHeader, FairleadError } from '@fairlead/contracts';
import { requirePermission, viaOf, type TokenVerifier } from '@fairlead/auth';
import {
  contextFromHeaders,
  currentContext,
  noTracing,
  runInContext,
  type Logger,
  type RequestContext,
  type Tracing,
} from '@fairlead/telemetry';
import { maxMessageBytes } from './client.js';
import type { Rpc, RpcService } from './definition.js';
import { toGrpcError } from './status.js';
import { traceRpc } from './trace.js';

export interface GrpcTransportOptions {
  host: string;
  /** 0 for any free port. */
  port: number;
  services: readonly RpcService[];
  verifier: TokenVerifier;
  logger: Logger;
  /** Gets a server span per call. */
  tracing?: Tracing;
  /** Called after each call with its method, outcome code and duration. */
  observe?: (method: string, code: string, seconds: number) => void;
}

/**
 * Nest's transport for our gRPC services. Handlers come from explicit, typed tables instead of decorators: a
 * missing one does not compile, and each call goes the same way: token, permission, context, handler, error.
 */
export class GrpcTransport extends Server implements CustomTransportStrategy {
  private readonly server = new GrpcServer({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.http2.min_time_between_pings_ms': 5_000,
  });
  private boundPort = 0;

  constructor(private readonly options: GrpcTransportOptions) {
    super();
    for (const { definition, rpcs } of options.services) {
      const implementation = Object.fromEntries(
        Object.entries(definition).map(([name, method]) => {
          const found = rpcs.get(name);
          if (found === undefined) throw new Error(`no handler for ${method.path}`);
          return [name, this.handlerOf(method.path, found)];
        }),
      );
      this.server.addService(definition, implementation);
    }
  }

  /** `host:port` the server listens on. */
  get address(): string {
    return `${this.options.host}:${String(this.boundPort)}`;
  }

  listen(callback: (error?: unknown) => void): void {
    this.server.bindAsync(`${this.options.host}:${String(this.options.port)}`, ServerCredentials.createInsecure(), (error, port) => {
      this.boundPort = port;
      callback(error ?? undefined);
    });
  }

  /** Lets calls in flight finish, for 5 s at most. */
  async close(): Promise<void> {
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
      const startedAt = process.hrtime.bigint();
      const finish = (error: unknown, response?: unknown) => {
        const code = error === undefined ? 'ok' : error instanceof FairleadError ? error.code : 'internal';
        this.options.observe?.(path, code, Number(process.hrtime.bigint() - startedAt) / 1e9);
        if (error === undefined) callback(null, response);
        else callback(toGrpcError(error));
      };
      const context = contextFromHeaders((name) => headerOf(call, name));
      const tracing = this.options.tracing ?? noTracing;
      traceRpc(tracing, { kind: 'server', path, context }, () => this.run(path, found, call, currentContext() ?? context)).then(
        (response) => {
          finish(undefined, response);
        },
        finish,
      );
    };
  }

  private async run(
    path: string,
    found: Rpc<unknown, unknown>,
    call: ServerUnaryCall<unknown, unknown>,
    bare: RequestContext,
  ): Promise<unknown> {
    const aborter = new AbortController();
    call.on('cancelled', () => {
      aborter.abort();
    });
    const token = /^Bearer (.+)$/.exec(headerOf(call, authorizationHeader) ?? '')?.[1];
    try {
      if (token === undefined) throw new FairleadError('unauthenticated', 'An access token is needed');
      const principal = await this.options.verifier.verify(token);
      requirePermission(principal, found.permission);
      const context = {
        ...bare,
        principal: principal.onBehalfOf ?? principal.id,
        via: viaOf(principal),
      };
      return await runInContext(context, () => found.handle(call.request, { principal, context, signal: aborter.signal }));
    } catch (error) {
      const expected = error instanceof FairleadError && error.kind !== 'internal';
      this.options.logger[expected ? 'info' : 'error']({ err: error, rpc: path }, 'an RPC was answered with an error');
      throw error;
    }
  }
}

function headerOf(call: ServerUnaryCall<unknown, unknown>, name: string): string | undefined {
  return call.metadata.get(name)[0]?.toString();
}
