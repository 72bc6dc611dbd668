import { Body, Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { FairleadError } from '@fairlead/contracts';
import { viaOf, type Principal } from '@fairlead/auth';
import { OwnSite, RequirePermission } from '../edge/access.js';
import { Answers } from '../edge/answers.js';
import { clientAddress } from '../edge/client-address.js';
import { tellPosition } from '../edge/clients.js';
import { isSecure } from '../edge/own-site.js';
import { Caller, email } from '../edge/parse.js';
import { dropSession, hasSessionCookie, keepSession, sessionOf } from '../edge/session-cookie.js';
import { maxPasswordLength, minPasswordLength } from '../domain/password-policy.js';
import { accountIdOf } from '../identity/callers.js';
import { changePassword } from '../identity/change-password.js';
import { identity, type Identity } from '../identity/identity.js';
import { login } from '../identity/login.js';
import { logout, refresh, type Access, type Client } from '../identity/sessions.js';
import { withTotp } from '../store/totp.js';
import { findUser } from '../store/users.js';

export const anyPassword = z
  .string('is required')
  .min(1, 'is required')
  .max(maxPasswordLength, `must have ${maxPasswordLength} characters at most`);
export const newPassword = anyPassword.min(minPasswordLength, `must have at least ${minPasswordLength} characters`);

/** A second factor as it is typed: a code of an app, or a recovery code. */
export const typedCode = z.string('is required').trim().min(1, 'is required').max(64, 'must have 64 characters at most');

const loginBody = z.strictObject({ email, password: anyPassword, code: typedCode.optional() });
const passwordBody = z.strictObject({ current_password: anyPassword, new_password: newPassword });

export const accessSchema = z.object({ access_token: z.string(), token_type: z.string(), expires_in: z.int() }).meta({ id: 'Access' });
const meSchema = z
  .object({
    user_id: z.string(),
    principal: z.string(),
    via: z.string().nullable(),
    email: z.string(),
    /** Whether a second factor is set up. */
    totp: z.boolean(),
    roles: z.array(z.string()),
    permissions: z.array(z.string()),
  })
  .meta({ id: 'Me' });

@Controller('admin/v1/auth')
export class AuthController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  @Post('login')
  @OwnSite()
  @Answers('Signs a user in: an access token, and a session in a cookie.', accessSchema)
  @HttpCode(200)
  async login(
    @Body({ schema: loginBody }) body: z.output<typeof loginBody>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { session, access } = await login(this.identity, { ...body, client: clientOf(request) });
    keepSession(reply, session, isSecure(request, this.identity.publicUrl));
    return accessView(access);
  }

  /** A new access token for the session in the cookie; 204 for a browser that has none, which is no error: nobody is signed in. */
  @Post('refresh')
  @OwnSite()
  @Answers('Answers a new access token for the session in the cookie.', accessSchema, { orNothing: true })
  @HttpCode(200)
  async refresh(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    if (!hasSessionCookie(request)) {
      void reply.status(204);
      return undefined;
    }
    // A refusal leaves the cookie: by the time it arrives, the browser may hold that of a new login in another tab.
    return accessView(await refresh(this.identity, sessionOf(request), clientOf(request)));
  }

  /** Ends the session in the cookie, also one that has expired; without one there is nothing to do. */
  @Post('logout')
  @OwnSite()
  @Answers('Ends the session in the cookie.')
  @HttpCode(204)
  async logout(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    await logout(this.identity.database, sessionOf(request), clientOf(request));
    dropSession(reply, isSecure(request, this.identity.publicUrl));
  }

  @Get('me')
  @RequirePermission('self')
  @Answers('Tells who the caller is and what they may do.', meSchema)
  async me(@Caller() caller: Principal) {
    const user = await findUser(this.identity.database, { userId: accountIdOf(caller) });
    if (user === undefined || user.disabled) throw new FairleadError('unauthenticated', 'The user is gone or disabled');
    return {
      user_id: user.userId,
      principal: caller.id,
      via: viaOf(caller) ?? null,
      email: user.email,
      roles: caller.roles,
      permissions: [...caller.grants].sort(),
      totp: (await withTotp(this.identity.database, [user.userId])).has(user.userId),
    };
  }

  @Post('password')
  @RequirePermission('self')
  @Answers('Changes the caller’s password.')
  @HttpCode(204)
  async password(
    @Body({ schema: passwordBody }) body: z.output<typeof passwordBody>,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    refuseApiToken(caller);
    const passwords = { currentPassword: body.current_password, newPassword: body.new_password };
    tellPosition(reply, await changePassword(this.identity, caller, passwords));
  }
}

/** Where a request comes from. */
export function clientOf(request: FastifyRequest): Client {
  return { address: clientAddress(request), userAgent: request.headers['user-agent'] ?? '' };
}

/** An access token as it is answered. */
export function accessView({ accessToken, expiresInSeconds }: Access) {
  return { access_token: accessToken, token_type: 'Bearer', expires_in: expiresInSeconds };
}

/**
 * Throws `permission_denied` for a program with an API token that may not manage identity: such a token changes no
 * credentials, so that one that is lost can't be made into another.
 */
export function refuseApiToken(caller: Principal): void {
  if (caller.apiTokenId === undefined || caller.grants.has('identity.manage')) return;
  throw new FairleadError(
    'permission_denied',
    'An API token without the permission identity.manage changes no passwords or sessions, and revokes no API tokens',
  );
}
