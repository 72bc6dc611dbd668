import { Body, Controller, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { FairleadError } from '@fairlead/contracts';
import { OwnSite, Public } from '../edge/access.js';
import { Answers, wholeList } from '../edge/answers.js';
import { isSecure } from '../edge/own-site.js';
import { opaqueId } from '../edge/parse.js';
import { keepSession } from '../edge/session-cookie.js';
import { dropSignIn, keepSignIn, signInOf } from '../edge/sign-in-cookie.js';
import { identity, type Identity } from '../identity/identity.js';
import { admit } from '../single-sign-on/admit.js';
import type { SingleSignOn } from '../single-sign-on/single-sign-on.js';
import { accessSchema, accessView, clientOf } from './auth.js';

/** Under this Nest hands single sign-on to the controller. */
export const singleSignOn = Symbol('single sign-on');

/** What is handed: nothing without issuers. */
export interface SingleSignOnHolder {
  readonly signOn: SingleSignOn | undefined;
}

const parameter = z.string().min(1).max(2_048).optional();
const callbackBody = z.strictObject({ code: parameter, state: parameter, iss: parameter, error: parameter });
const issuerSchema = z.object({ id: z.string(), name: z.string() }).meta({ id: 'SignInIssuer' });
const startedSchema = z.object({ authorization_url: z.string() }).meta({ id: 'StartedSignIn' });

/** Signing in at OpenID Connect issuers. */
@Controller('admin/v1/auth/oidc')
export class OidcController {
  constructor(
    @Inject(singleSignOn) private readonly held: SingleSignOnHolder,
    @Inject(identity) private readonly identity: Identity,
  ) {}

  @Get()
  @Public()
  @Answers('Lists where people can sign in besides here.', wholeList(issuerSchema))
  list() {
    return { items: this.held.signOn?.issuers ?? [], next_cursor: null };
  }

  @Post(':issuer/start')
  @OwnSite()
  @Answers('Begins a sign-in at an issuer: where the browser is to go.', startedSchema)
  @HttpCode(200)
  async start(
    @Param('issuer', { schema: opaqueId }) issuer: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { url, held } = await this.signOn(issuer).start(issuer);
    keepSignIn(reply, held, isSecure(request, this.identity.publicUrl));
    return { authorization_url: url };
  }

  /** Takes what the issuer sent the browser back with. */
  @Post(':issuer/callback')
  @OwnSite()
  @Answers('Ends a sign-in at an issuer: an access token, and a session in a cookie.', accessSchema)
  @HttpCode(200)
  async callback(
    @Param('issuer', { schema: opaqueId }) issuer: string,
    @Body({ schema: callbackBody }) body: z.output<typeof callbackBody>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const secure = isSecure(request, this.identity.publicUrl);
    dropSignIn(reply, secure);
    const person = await this.signOn(issuer)
      .finish(issuer, signInOf(request), body)
      .catch(async (error: unknown) => {
        if (error instanceof FairleadError && error.code === 'sign_in_failed')
          await this.identity.refusedSignIns.record({ cause: 'not_confirmed', address: clientOf(request).address, issuer });
        throw error;
      });
    const { session, access } = await admit(this.identity, person, clientOf(request));
    keepSession(reply, session, secure);
    return accessView(access);
  }

  private signOn(issuer: string): SingleSignOn {
    if (this.held.signOn === undefined) throw new FairleadError('not_found', `There is no issuer ${issuer}`);
    return this.held.signOn;
  }
}
