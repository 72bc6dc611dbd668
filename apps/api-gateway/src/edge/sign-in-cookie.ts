import type { FastifyReply, FastifyRequest } from 'fastify';
import { signInSeconds } from '../single-sign-on/single-sign-on.js';

const name = 'fairlead_sign_in';
const form = new RegExp(`(?:^|; ?)${name}=([A-Za-z0-9_-]{1,2048})(?:;|$)`);

/** The sign-in that a browser has begun, sealed; undefined without one. */
export function signInOf(request: FastifyRequest): string | undefined {
  return form.exec(request.headers.cookie ?? '')?.[1];
}

/** Gives the browser a sign-in to hold while its user is at the issuer. */
export function keepSignIn(reply: FastifyReply, held: string, secure: boolean): void {
  void reply.header('set-cookie', cookie(held, signInSeconds, secure));
}

/** Takes it from the browser: it is good for one try. */
export function dropSignIn(reply: FastifyReply, secure: boolean): void {
  void reply.header('set-cookie', cookie('', 0, secure));
}

function cookie(value: string, maxAgeSeconds: number, secure: boolean): string {
  const attributes = ['Path=/admin/v1/auth/oidc', `Max-Age=${String(maxAgeSeconds)}`, 'HttpOnly', 'SameSite=Strict'];
  return [`${name}=${value}`, ...attributes, ...(secure ? ['Secure'] : [])].join('; ');
}
