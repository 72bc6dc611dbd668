import type { FastifyReply, FastifyRequest } from 'fastify';
import { secretPattern } from '../identity/secrets.js';
import { maxSessionSeconds, type HeldSession } from '../identity/sessions.js';

const name = 'fairlead_session';
const form = new RegExp(`(?:^|; ?)${name}=(ses_[0-9a-f]{32})\\.(${secretPattern})(?:;|$)`);

/** The session in a request's cookie; undefined without one, or when it is malformed. */
export function sessionOf(request: FastifyRequest): HeldSession | undefined {
  const [, sessionId, secret] = form.exec(request.headers.cookie ?? '') ?? [];
  return sessionId === undefined || secret === undefined ? undefined : { sessionId, secret };
}

/** True when a request brings a session's cookie, whatever is in it. */
export function hasSessionCookie(request: FastifyRequest): boolean {
  return new RegExp(`(?:^|; ?)${name}=`).test(request.headers.cookie ?? '');
}

/** Gives the browser a session to keep: no script can read it, and only the routes that need it get it. */
export function keepSession(reply: FastifyReply, { sessionId, secret }: HeldSession, secure: boolean): void {
  setCookie(reply, `${sessionId}.${secret}`, maxSessionSeconds, secure);
}

/** Takes the session from the browser. */
export function dropSession(reply: FastifyReply, secure: boolean): void {
  setCookie(reply, '', 0, secure);
}

function setCookie(reply: FastifyReply, value: string, maxAgeSeconds: number, secure: boolean): void {
  const attributes = ['Path=/admin/v1/auth', `Max-Age=${maxAgeSeconds}`, 'HttpOnly', 'SameSite=Strict', ...(secure ? ['Secure'] : [])];
  void reply.header('set-cookie', [`${name}=${value}`, ...attributes].join('; '));
}
