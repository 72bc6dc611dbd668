import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Principal } from '@fairlead/auth';
import { answeringOnce, type KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { tellPosition } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { accountName, Caller, etagOf, IdempotencyKey, IfMatch, opaqueId } from '../edge/parse.js';
import { refuseElsewhere } from '../identity/elsewhere.js';
import { identity, type Identity } from '../identity/identity.js';
import {
  changeServiceAccount,
  createServiceAccount,
  createTokenOf,
  noSuchAccount,
  removeServiceAccount,
  rotateTokenOf,
  type ToldAccount,
} from '../identity/service-accounts.js';
import { findServiceAccount, listServiceAccounts, type ServiceAccount } from '../store/service-accounts.js';
import { newTokenAnswer, newTokenBody, newTokenOf, newTokenSchema, rotateBody } from './api-tokens.js';

const listQuery = z.strictObject(pageQuery);
const createBody = z.strictObject({ name: accountName });
const changeBody = z.strictObject({ disabled: z.boolean('must be true or false') });

const accountSchema = z
  .object({
    service_account_id: z.string(),
    /** As it holds roles, and as the trail names it. */
    principal: z.string(),
    name: z.string(),
    disabled: z.boolean(),
    /** Its entity tag, in quotes. */
    revision: z.int(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'ServiceAccount' });

/** Their tokens are listed and ended as those of users are. */
@Controller('admin/v1/service-accounts')
export class ServiceAccountsController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  @Get()
  @RequirePermission('identity.manage')
  @Answers('Lists service accounts in the order of their ids.', page(accountSchema))
  async list(@Query({ schema: listQuery }) { limit, cursor }: z.output<typeof listQuery>) {
    const after = startOf('service-accounts', cursor) ?? '';
    const accounts = await listServiceAccounts(this.identity.database, { after, limit: limit + 1 });
    const page = accounts.slice(0, limit);
    return pageOf('service-accounts', page.map(accountView), accounts.length > limit ? (page.at(-1)?.serviceAccountId ?? '') : '');
  }

  @Post()
  @RequirePermission('identity.manage')
  @Answers('Makes a service account, which holds no role yet.', accountSchema)
  async create(
    @Body({ schema: createBody }) body: z.output<typeof createBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answering = answeringOnce(this.identity, keyed, ({ account, position }: ToldAccount) => ({
      position,
      body: accountView(account),
    }));
    const answer = await createServiceAccount(this.identity, caller, body, answering);
    tellPosition(reply, answer.position);
    reply.header('etag', etagOf(answer.body.revision));
    return answer.body;
  }

  @Get(':id')
  @RequirePermission('identity.manage')
  @Answers('Tells a service account.', accountSchema)
  async get(@Param('id', { schema: opaqueId }) id: string, @Res({ passthrough: true }) reply: FastifyReply) {
    const account = await findServiceAccount(this.identity.database, id);
    if (account === undefined) throw noSuchAccount(id);
    reply.header('etag', etagOf(account.revision));
    return accountView(account);
  }

  @Patch(':id')
  @RequirePermission('identity.manage')
  @Answers('Disables a service account, which ends what its tokens let in at once, or enables it.', accountSchema)
  async change(
    @Param('id', { schema: opaqueId }) id: string,
    @Body({ schema: changeBody }) { disabled }: z.output<typeof changeBody>,
    @IfMatch() revision: number | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { account, position } = await changeServiceAccount(this.identity.database, caller, id, { disabled, revision });
    tellPosition(reply, position);
    reply.header('etag', etagOf(account.revision));
    return accountView(account);
  }

  @Delete(':id')
  @RequirePermission('identity.manage')
  @Answers('Deletes a service account for good, with its roles and tokens.')
  @HttpCode(204)
  async delete(
    @Param('id', { schema: opaqueId }) id: string,
    @IfMatch() revision: number | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    tellPosition(reply, await removeServiceAccount(this.identity.database, caller, id, revision));
  }

  /** The only answer that holds the token; one that was lost is given again for its key. */
  @Post(':id/tokens')
  @RequirePermission('identity.manage')
  @Answers('Makes an API token of a service account; no other answer ever holds it.', newTokenSchema)
  async createToken(
    @Param('id', { schema: opaqueId }) serviceAccountId: string,
    @Body({ schema: newTokenBody }) body: z.output<typeof newTokenBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    refuseElsewhere(this.identity.elsewhere, caller.name);
    const input = { serviceAccountId, ...newTokenOf(body) };
    const created = await createTokenOf(caller, input, answeringOnce(this.identity, keyed, newTokenAnswer));
    tellPosition(reply, created.position);
    return created.body;
  }

  @Post(':id/tokens/:token/rotate')
  @RequirePermission('identity.manage')
  @Answers('Answers a new secret for an API token of a service account; the one before works on for a while.', newTokenSchema)
  @HttpCode(200)
  async rotateToken(
    @Param('id', { schema: opaqueId }) serviceAccountId: string,
    @Param('token', { schema: opaqueId }) tokenId: string,
    @Body({ schema: rotateBody }) body: z.output<typeof rotateBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const rotation = { serviceAccountId, tokenId, overlapHours: body.overlap_hours };
    const rotated = await rotateTokenOf(caller, rotation, answeringOnce(this.identity, keyed, newTokenAnswer));
    tellPosition(reply, rotated.position);
    return rotated.body;
  }
}

function accountView(account: ServiceAccount) {
  return {
    service_account_id: account.serviceAccountId,
    principal: `user:${account.serviceAccountId}`,
    name: account.name,
    disabled: account.disabled,
    revision: account.revision,
    created_at: account.createdAt.toISOString(),
    updated_at: account.updatedAt.toISOString(),
  };
}
