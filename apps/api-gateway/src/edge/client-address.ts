import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/**
 * The IP address that a request came from: behind proxies that are trusted, the last one in X-Forwarded-For that is none
 * of them. A proxy that tells no address there (`unknown`, or one with a port, new for each connection) stands for its clients.
 */
export function clientAddress(request: FastifyRequest): string {
  return isIP(request.ip) === 0 ? (request.socket.remoteAddress ?? 'unknown') : request.ip;
}
