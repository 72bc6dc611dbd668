import { Body, Controller, Get, HttpCode, Inject, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { FairleadError, roles, type Role } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { answeringOnce, type KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { tellPosition } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { Caller, email, etagOf, IdempotencyKey, IfMatch, opaqueId, reason } from '../edge/parse.js';
import { followDisabled } from '../iam/follow.js';
import { AnsweredByIam, ToIam } from '../iam/answered-by-iam.js';
import { refuseMoreRoles } from '../identity/given-roles.js';
import { identity, type Identity } from '../identity/identity.js';
import { resetSecondFactor } from '../identity/totp.js';
import { changeUser, createUser } from '../identity/users.js';
import { withTotp } from '../store/totp.js';
import type { User } from '../store/user.js';
import { findUser, listUsers } from '../store/users.js';
import { newPassword } from './auth.js';

const roleNames = Object.keys(roles) as Role[];
export const roleList = z
  .array(z.enum(roleNames, `must be one of ${roleNames.join(', ')}`), 'must be a list of roles')
  .max(10, 'has too many roles')
  .transform((names) => [...new Set(names)]);

const listQuery = z.strictObject(pageQuery);
const createBody = z.strictObject({ email, password: newPassword, roles: roleList });
const changeBody = z
  .strictObject({ roles: roleList.optional(), disabled: z.boolean('must be true or false').optional() })
  .refine(({ roles, disabled }) => roles !== undefined || disabled !== undefined, 'nothing to change: give roles or disabled');
const resetBody = z.strictObject({ reason });

const userSchema = z
  .object({
    user_id: z.string(),
    email: z.string(),
    roles: z.array(z.string()),
    disabled: z.boolean(),
    /** Its entity tag, in quotes. */
    revision: z.int(),
    /** Whether a second factor is set up. */
    totp: z.boolean(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'User' });

const pageSchema = page(userSchema);

@Controller('admin/v1/users')
@AnsweredByIam()
export class UsersController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  @Get()
  @RequirePermission('identity.manage')
  @Answers('Lists users in the order of their ids.', pageSchema)
  async list(@Query({ schema: listQuery }) { limit, cursor }: z.output<typeof listQuery>) {
    const after = startOf('users', cursor) ?? '';
    const users = await listUsers(this.identity.database, { after, limit: limit + 1 });
    const page = users.slice(0, limit);
    const next = users.length > limit ? (page.at(-1)?.userId ?? '') : '';
    return pageOf('users', await this.views(page), next);
  }

  @Post()
  @RequirePermission('identity.manage')
  @Answers('Makes a user.', userSchema)
  @ToIam<z.output<typeof createBody>>({
    before: ({ caller, body }) => {
      refuseMoreRoles(caller, body.roles);
    },
  })
  async create(
    @Body({ schema: createBody }) body: z.output<typeof createBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answering = answeringOnce(this.identity, keyed, ({ user, position }: { user: User; position: number }) => ({
      ...{ position, body: userView(user, false) },
    }));
    const answer = await createUser(this.identity, caller, body, answering);
    tellPosition(reply, answer.position);
    reply.header('etag', etagOf(answer.body.revision));
    return answer.body;
  }

  @Get(':id')
  @RequirePermission('identity.manage')
  @Answers('Tells a user.', userSchema)
  async get(@Param('id', { schema: opaqueId }) userId: string, @Res({ passthrough: true }) reply: FastifyReply) {
    const user = await findUser(this.identity.database.dataSource.manager, { userId });
    if (user?.serviceAccount !== null) throw new FairleadError('not_found', `There is no user ${userId}`);
    reply.header('etag', etagOf(user.revision));
    return userView(user, (await withTotp(this.identity.database, [userId])).has(userId));
  }

  @Patch(':id')
  @RequirePermission('identity.manage')
  @Answers('Changes a user’s roles, or disables them.', userSchema)
  @ToIam<z.output<typeof changeBody>>({
    before: ({ caller, body }) => {
      refuseMoreRoles(caller, body.roles ?? []);
    },
    after: ({ database }, { issuer }, { caller, params, body }) =>
      followDisabled(database, caller, { issuer, subject: params['id'] ?? '' }, body.disabled),
  })
  async change(
    @Param('id', { schema: opaqueId }) userId: string,
    @Body({ schema: changeBody }) body: z.output<typeof changeBody>,
    @IfMatch() revision: number | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { user, position } = await changeUser(this.identity.database, caller, userId, { ...body, revision });
    tellPosition(reply, position);
    reply.header('etag', etagOf(user.revision));
    return userView(user, (await withTotp(this.identity.database, [userId])).has(userId));
  }

  /** For a user who has lost their second factor: from then on the password alone is asked for. */
  @Post(':id/totp/reset')
  @RequirePermission('identity.manage')
  @Answers('Takes a user’s second factor away.', userSchema)
  @HttpCode(200)
  async resetTotp(
    @Param('id', { schema: opaqueId }) userId: string,
    @Body({ schema: resetBody }) body: z.output<typeof resetBody>,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { user, position } = await resetSecondFactor(this.identity.database, caller, userId, body.reason);
    tellPosition(reply, position);
    return userView(user, false);
  }

  private async views(users: readonly User[]) {
    const active = await withTotp(
      this.identity.database,
      users.map(({ userId }) => userId),
    );
    return users.map((user) => userView(user, active.has(user.userId)));
  }
}

function userView(user: User, totp: boolean) {
  return {
    user_id: user.userId,
    email: user.email,
    roles: user.roles,
    disabled: user.disabled,
    revision: user.revision,
    totp,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
  };
}
