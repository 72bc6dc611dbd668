/** Answers what Node's HTTP parser can't read, and so no route, hook or filter ever sees. */
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { headersOfContext, newContext, runInContext, type Logger } from '@fairlead/telemetry';
import { logProblem, unreadableProblem } from './problems.js';

/** Sends a problem for a request that is none, unless another answer is on its way on that connection, and closes it. */
export function refuseUnreadable(
  logger: Logger,
  securityHeaders: Readonly<Record<string, string>>,
): { watch: (instance: FastifyInstance) => void; clientErrorHandler: (error: Error & { code?: string }, socket: Socket) => void } {
  const answering = new WeakMap<Socket, ServerResponse>();
  return {
    watch: ({ server }) => {
      server.on('request', ({ socket }, response) => {
        answering.set(socket, response);
      });
    },
    clientErrorHandler: (error, socket) => {
      if (error.code === 'ECONNRESET' || socket.destroyed) return;
      const last = answering.get(socket);
      // Of a request whose end did not come nothing has been answered; of one before it, nobody knows what the bytes would pass for.
      const busy = last !== undefined && !last.writableFinished && (last.headersSent || last.req.complete);
      if (!socket.writable || busy) {
        socket.destroy();
        return;
      }
      const context = newContext({});
      const problem = unreadableProblem(error, context.requestId);
      runInContext(context, () => {
        logProblem(logger, problem, error);
        logger.info({ route: 'unreadable', status: problem.status, address: socket.remoteAddress }, 'request');
      });
      const body = JSON.stringify(problem);
      const headers = {
        ...securityHeaders,
        ...headersOfContext(context),
        'content-type': 'application/problem+json; charset=utf-8',
        'content-length': String(Buffer.byteLength(body)),
        connection: 'close',
      };
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
      socket.destroySoon();
    },
  };
}
