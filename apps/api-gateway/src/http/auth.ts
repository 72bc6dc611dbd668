import { Body, Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { FairleadError } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { Public, RequirePermission } from '../edge/access.js';
import { tellPosition } from '../edge/clients.js';
import { Caller, email } from '../edge/parse.js';
import { changePassword } from '../identity/change-password.js';
import { identity, type Identity } from '../identity/identity.js';
import { login } from '../identity/login.js';
import { maxPasswordLength, minPasswordLength } from '../identity/passwords.js';
import { findUser } from '../store/users.js';

const anyPassword = z
  .string('is required')
  .min(1, 'is required')
  .max(maxPasswordLength, `must have ${maxPasswordLength} characters at most`);
export const newPassword = anyPassword.min(minPasswordLength, `must have at least ${minPasswordLength} characters`);

const loginBody = z.strictObject({ email, password: anyPassword });
const passwordBody = z.strictObject({ current_password: anyPassword, new_password: newPassword });

@Controller('admin/v1/auth')
export class AuthController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  @Post('login')
  @Public()
  @HttpCode(200)
  async login(@Body({ schema: loginBody }) body: z.output<typeof loginBody>, @Req() request: FastifyRequest) {
    const { accessToken, expiresInSeconds } = await login(this.identity, { ...body, address: request.ip });
    return { access_token: accessToken, token_type: 'Bearer', expires_in: expiresInSeconds };
  }

  @Get('me')
  @RequirePermission('self')
  async me(@Caller() caller: Principal) {
    const user = await findUser(this.identity.database.dataSource.manager, { userId: userIdOf(caller) });
    if (user === undefined || user.disabled) throw new FairleadError('unauthenticated', 'The user is gone or disabled');
    return { user_id: user.userId, principal: caller.id, email: user.email, roles: caller.roles, permissions: [...caller.grants].sort() };
  }

  @Post('password')
  @RequirePermission('self')
  @HttpCode(204)
  async password(
    @Body({ schema: passwordBody }) body: z.output<typeof passwordBody>,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const passwords = { currentPassword: body.current_password, newPassword: body.new_password };
    tellPosition(reply, await changePassword(this.identity, userIdOf(caller), passwords));
  }
}

function userIdOf(caller: Principal): string {
  if (caller.kind !== 'user') throw new FairleadError('permission_denied', 'Only users have a login');
  return caller.id.slice('user:'.length);
}
