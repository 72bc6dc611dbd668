import { Body, Controller, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Principal } from '@fairlead/auth';
import { RequirePermission } from '../edge/access.js';
import { Answers } from '../edge/answers.js';
import { clientAddress } from '../edge/client-address.js';
import { tellPosition } from '../edge/clients.js';
import { Caller } from '../edge/parse.js';
import { identity, type Identity } from '../identity/identity.js';
import { confirmSecondFactor, disableSecondFactor, enrolSecondFactor, renewRecoveryCodes } from '../identity/totp.js';
import { anyPassword, typedCode } from './auth.js';

const enrolBody = z.strictObject({ current_password: anyPassword });
const confirmBody = z.strictObject({ code: typedCode });
const bothBody = z.strictObject({ current_password: anyPassword, code: typedCode });

const enrolledSchema = z.object({ secret: z.string(), otpauth_uri: z.string() }).meta({ id: 'EnrolledSecondFactor' });
const codesSchema = z.object({ recovery_codes: z.array(z.string()) }).meta({ id: 'RecoveryCodes' });

/** The caller's own second factor. */
@Controller('admin/v1/auth/totp')
export class TotpController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  /** The only answer that holds the secret; it asks for no code until it is confirmed. */
  @Post()
  @RequirePermission('self')
  @Answers('Sets a second factor up, which asks for no code until it is confirmed; no other answer holds its secret.', enrolledSchema)
  async enrol(
    @Body({ schema: enrolBody }) body: z.output<typeof enrolBody>,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { secret, uri, position } = await enrolSecondFactor(this.identity, caller, body.current_password);
    tellPosition(reply, position);
    return { secret, otpauth_uri: uri };
  }

  /** Makes it active; the only answer that holds the recovery codes. */
  @Post('confirm')
  @RequirePermission('self')
  @Answers('Makes a second factor active; no other answer holds its recovery codes.', codesSchema)
  @HttpCode(200)
  async confirm(
    @Body({ schema: confirmBody }) body: z.output<typeof confirmBody>,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { recoveryCodes, position } = await confirmSecondFactor(this.identity, caller, body.code);
    tellPosition(reply, position);
    return { recovery_codes: recoveryCodes };
  }

  /** Other recovery codes instead of all there are. */
  @Post('recovery-codes')
  @RequirePermission('self')
  @Answers('Answers other recovery codes instead of all there are.', codesSchema)
  @HttpCode(200)
  async recoveryCodes(
    @Body({ schema: bothBody }) body: z.output<typeof bothBody>,
    @Caller() caller: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const given = { password: body.current_password, code: body.code, address: clientAddress(request) };
    const { recoveryCodes, position } = await renewRecoveryCodes(this.identity, caller, given);
    tellPosition(reply, position);
    return { recovery_codes: recoveryCodes };
  }

  @Post('disable')
  @RequirePermission('self')
  @Answers('Takes the caller’s second factor away.')
  @HttpCode(204)
  async disable(
    @Body({ schema: bothBody }) body: z.output<typeof bothBody>,
    @Caller() caller: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const given = { password: body.current_password, code: body.code, address: clientAddress(request) };
    tellPosition(reply, await disableSecondFactor(this.identity, caller, given));
  }
}
