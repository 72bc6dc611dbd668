import { Controller, Delete, Get, HttpCode, Inject, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Principal } from '@fairlead/auth';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { tellPosition } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { Caller, opaqueId } from '../edge/parse.js';
import { userIdOf } from '../identity/callers.js';
import { AnsweredByIam, ToIam } from '../iam/answered-by-iam.js';
import { identity, type Identity } from '../identity/identity.js';
import { revokeSession } from '../identity/sessions.js';
import { listSessions, type Session } from '../store/sessions.js';
import { refuseApiToken } from './auth.js';

const listQuery = z.strictObject(pageQuery);

const sessionSchema = z
  .object({
    session_id: z.string(),
    created_at: time,
    last_used_at: time,
    expires_at: time,
    address: z.string(),
    user_agent: z.string(),
    current: z.boolean(),
  })
  .meta({ id: 'Session' });

const pageSchema = page(sessionSchema);

/** The caller's own sessions. */
@Controller('admin/v1/auth/sessions')
// The break-glass admin's are here.
@AnsweredByIam({ own: (caller, { elsewhere }) => caller.name === elsewhere?.breakGlass })
export class SessionsController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  /** Those that can still be used, the newest first. */
  @Get()
  @RequirePermission('self')
  @Answers('Lists the caller’s own sessions, the newest first.', pageSchema)
  async list(@Query({ schema: listQuery }) { limit, cursor }: z.output<typeof listQuery>, @Caller() caller: Principal) {
    const before = startOf('sessions', cursor);
    const sessions = await listSessions(this.identity.database, userIdOf(caller), { before, limit: limit + 1 });
    const page = sessions.slice(0, limit);
    const next = sessions.length > limit ? (page.at(-1)?.sessionId ?? '') : '';
    return pageOf(
      'sessions',
      page.map((session) => sessionView(session, caller)),
      next,
    );
  }

  @Delete(':id')
  @RequirePermission('self')
  @Answers('Ends one of the caller’s sessions.')
  @ToIam({
    before: ({ caller }) => {
      refuseApiToken(caller);
    },
  })
  @HttpCode(204)
  async revoke(
    @Param('id', { schema: opaqueId }) sessionId: string,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    refuseApiToken(caller);
    tellPosition(reply, await revokeSession(this.identity.database, caller, sessionId));
  }
}

function sessionView(session: Session, caller: Principal) {
  return {
    session_id: session.sessionId,
    created_at: session.createdAt.toISOString(),
    last_used_at: session.lastUsedAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    address: session.address,
    user_agent: session.userAgent,
    current: session.sessionId === caller.sessionId,
  };
}
