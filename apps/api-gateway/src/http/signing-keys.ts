import { Body, Controller, Get, HttpCode, Inject, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { FairleadError } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { RequirePermission } from '../edge/access.js';
import { Answers, time, wholeList } from '../edge/answers.js';
import { tellPosition } from '../edge/clients.js';
import { Caller, reason } from '../edge/parse.js';
import { stateOf, type KeyTimes } from '../domain/signing-keys.js';
import type { SigningKeys } from '../identity/signing-keys.js';

/** Under this Nest hands the signing keys to the controller. */
export const signingKeys = Symbol('signing keys');

/** What is handed: nothing is rotated where it is not set up. */
export interface SigningKeysHolder {
  readonly keys: SigningKeys | undefined;
}

const rotateBody = z.strictObject({ reason });

const keySchema = z
  .object({
    kid: z.string(),
    state: z.enum(['next', 'current', 'previous']),
    published_at: time,
    signs_from: time.nullable(),
    trusted_until: time.nullable(),
  })
  .meta({ id: 'SigningKey' });

/** The keys that users' access tokens are signed with. */
@Controller('admin/v1/signing-keys')
export class SigningKeysController {
  constructor(@Inject(signingKeys) private readonly held: SigningKeysHolder) {}

  /** There are few: those that are trusted, and those of the last days. */
  @Get()
  @RequirePermission('identity.manage')
  @Answers('Lists the keys that access tokens are signed with, the newest first; none where they are not rotated.', wholeList(keySchema))
  async list() {
    const keys = (await this.held.keys?.list()) ?? [];
    return { items: keys.map(keyView), next_cursor: null };
  }

  @Post('rotate')
  @RequirePermission('identity.manage')
  @Answers('Signs with the next key from now on; tokens of the key before are taken until they end.', keySchema)
  @HttpCode(200)
  async rotate(
    @Body({ schema: rotateBody }) body: z.output<typeof rotateBody>,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { keys } = this.held;
    if (keys === undefined)
      throw new FairleadError('unavailable', 'Signing keys are not rotated here: SIGNING_KEY_ROTATION_SECONDS is not set');
    const { key, position } = await keys.rotate(caller, body.reason);
    tellPosition(reply, position);
    return keyView(key);
  }
}

function keyView(key: KeyTimes) {
  const shown = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    kid: key.kid,
    state: stateOf(key),
    published_at: new Date(key.publishedAtMs).toISOString(),
    signs_from: shown(key.signsFromMs),
    trusted_until: shown(key.trustedUntilMs),
  };
}
