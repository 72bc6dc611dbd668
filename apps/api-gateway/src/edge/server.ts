import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Histogram } from 'prom-client';
import { isDeeperThan } from '@fairlead/contracts';
import { headersOfContext, noTracing, runInContext, withoutRedaction, type Logger, type Registry, type Tracing } from '@fairlead/telemetry';
import { invalidFields } from '../domain/invalid.js';
import { guardRoutes, type CallerDeps } from './access.js';
import { clientAddress } from './client-address.js';
import { contextOf } from './context.js';
import { logProblem, problemOf, sendProblem } from './problems.js';
import { traceRequest } from './trace.js';
import { refuseUnreadable } from './unreadable.js';

export interface EdgeDeps extends CallerDeps {
  readonly logger: Logger;
  readonly registry: Registry;
  /** Gets a server span per request. */
  readonly tracing?: Tracing;
  /** Addresses and networks of proxies whose X-Forwarded-… headers are believed; nobody's without it. */
  readonly trustedProxies?: readonly string[];
}

const bodyLimitBytes = 1_048_576;
const drainTimeoutMs = 10_000;
/** More than any request needs. What walks through values calls itself for each level, and protobuf reads no deeper than about 30. */
const maxDepth = 24;

/** What an API that serves no pages tells browsers. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000',
  'cache-control': 'no-store',
};

/** Nest on Fastify, taking JSON bodies and nothing else. */
class JsonOnlyAdapter extends FastifyAdapter {
  /** Nest would add a parser for HTML forms here. */
  override registerParserMiddleware(): void {
    // The parsers are those of createEdge.
  }

  /**
   * Ends with the requests in flight. Fastify closes the connections that are idle at first; those that become so
   * later, and those that browsers open in advance and never use, would keep the server for more than a minute.
   */
  override async close(): Promise<void> {
    const { server } = this.getInstance<FastifyInstance>();
    const closeUnused = () => {
      server.closeIdleConnections();
      for (const socket of this.unused) if (socket.bytesRead === 0) socket.destroy();
    };
    closeUnused();
    const again = setInterval(closeUnused, 50);
    const late = setTimeout(() => {
      server.closeAllConnections();
    }, drainTimeoutMs);
    try {
      await super.close();
    } finally {
      clearInterval(again);
      clearTimeout(late);
    }
  }

  /** Connections that have not brought a request yet. */
  private readonly unused = new Set<Socket>();

  watchConnections(): void {
    const { server } = this.getInstance<FastifyInstance>();
    server.on('connection', (socket) => {
      this.unused.add(socket);
      socket.once('close', () => this.unused.delete(socket));
    });
    server.on('request', ({ socket }) => {
      this.unused.delete(socket);
    });
  }
}

/** Makes the HTTP server's adapter, with what happens to every request before and after its handler. */
export function createEdge(deps: EdgeDeps): FastifyAdapter {
  const unreadable = refuseUnreadable(deps.logger, securityHeaders);
  const adapter = new JsonOnlyAdapter({
    clientErrorHandler: unreadable.clientErrorHandler,
    bodyLimit: bodyLimitBytes,
    // Slow headers and bodies: the whole request must be there in time. Answers may take longer.
    requestTimeout: 30_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
    exposeHeadRoutes: false,
    // What comes on an open connection while the server ends is answered as ever: its answer says that the connection ends.
    return503OnClosing: false,
    trustProxy: deps.trustedProxies === undefined || deps.trustedProxies.length === 0 ? false : [...deps.trustedProxies],
    routerOptions: { maxParamLength: 256 },
    // What the router can't read never meets a hook.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      openResponse(request, reply);
      const problem = problemOf(error, contextOf(request).requestId);
      runInContext(contextOf(request), () => {
        logProblem(deps.logger, problem, error);
        deps.logger.info(
          { method: request.method, route: 'unmatched', status: problem.status, address: clientAddress(request) },
          'request',
        );
      });
      sendProblem(reply, problem);
    },
  });
  const instance = adapter.getInstance<FastifyInstance>();
  adapter.watchConnections();
  unreadable.watch(instance);
  acceptJsonOnly(instance);
  instance.addHook('onRequest', (request, reply, done) => {
    traceRequest(deps.tracing ?? noTracing, request, reply);
    openResponse(request, reply);
    done();
  });
  observeRequests(instance, deps);
  guardRoutes(instance, deps);
  // After the body: reading it runs outside of whatever context was there before.
  instance.addHook('preValidation', (request, _reply, done) => {
    runInContext(contextOf(request), done);
  });
  return adapter;
}

function openResponse(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({ ...securityHeaders, ...headersOfContext(contextOf(request)) });
}

/** An empty body is no body, whatever its type says: clients send the header with every POST. */
function acceptJsonOnly(instance: FastifyInstance): void {
  const parseJson = instance.getDefaultJsonParser('error', 'error');
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') done(null, undefined);
    else if (isDeeperThan(maxDepth, body)) done(invalidFields([{ pointer: '', detail: `is nested more than ${maxDepth} levels deep` }]));
    else void parseJson(request, body, done);
  });
}

/** Not a status of HTTP's: how nginx counts requests whose client went away before an answer. */
const clientClosedRequest = 499;

/** One access-log line and one measurement per request, also of one whose client went away: never its query, headers or body. */
function observeRequests(instance: FastifyInstance, { logger, registry }: EdgeDeps): void {
  const accessLog = withoutRedaction(logger);
  const duration = new Histogram({
    name: 'fairlead_http_request_duration_seconds',
    help: 'How long requests took, by route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
    registers: [registry],
  });
  instance.addHook('onRequest', (request, reply, done) => {
    const address = clientAddress(request);
    // Fastify's onResponse is not called for a response that was cut off.
    reply.raw.once('close', () => {
      const route = request.routeOptions.url ?? 'unmatched';
      const status = reply.raw.headersSent ? reply.statusCode : clientClosedRequest;
      duration.observe({ method: request.method, route, status }, reply.elapsedTime / 1_000);
      const line = { method: request.method, route, status, duration_ms: Math.round(reply.elapsedTime * 10) / 10, address };
      const told = reply.raw.writableFinished ? line : { ...line, aborted: true };
      // Probes and scrapes would drown the rest.
      const quiet = request.routeOptions.config.access === 'public' && status < 400 && request.method === 'GET';
      runInContext(contextOf(request), () => {
        accessLog[quiet ? 'debug' : 'info'](told, 'request');
      });
    });
    done();
  });
}
