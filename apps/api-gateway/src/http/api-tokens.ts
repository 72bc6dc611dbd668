import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { requirePermission, type Principal } from '@fairlead/auth';
import { answeringOnce, type KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { tellPosition } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { Caller, IdempotencyKey, nodeId, opaqueId, roleName, tenantId, text } from '../edge/parse.js';
import { createApiToken, revokeApiToken, rotateApiToken, type NewSecretToken, type NewToken } from '../identity/api-tokens.js';
import { userIdOf } from '../identity/callers.js';
import { refuseElsewhere } from '../identity/elsewhere.js';
import { identity, type Identity } from '../identity/identity.js';
import { listApiTokens, type ApiToken } from '../store/api-tokens.js';
import { refuseApiToken } from './auth.js';

const hours = 'must be a whole number of hours from 0 to 168';
const days = 'must be a whole number of days from 1 to 365';

/** As many as an access token has room for. */
const maxNames = 50;
const names = (one: typeof tenantId, most = maxNames) =>
  z
    .array(one, 'is not a list')
    .max(most, `must name ${most} at most`)
    .transform((list) => [...new Set(list)]);

const listQuery = z.strictObject({
  ...pageQuery,
  /** Whose tokens: another user's, or `all`; the caller's own without it. */
  user_id: opaqueId.optional(),
});
export const expiresInDays = z.int(days).min(1, days).max(365, days).default(90);
export const newTokenBody = z.strictObject({
  name: text(100),
  /** The product's and others: the token does what they give when it is made, as far as they give it then. */
  roles: names(roleName, 10).refine((list) => list.length > 0, 'must name a role'),
  /** Keeps the token to these tenants and nodes: it reads their changes, and does nothing else. */
  scope: z
    .strictObject({ tenants: names(tenantId).optional(), nodes: names(nodeId).optional() })
    .refine(({ tenants = [], nodes = [] }) => tenants.length + nodes.length > 0, 'must name a tenant or a node')
    .optional(),
  expires_in_days: expiresInDays,
});
/** How long the present secret works beside the new one. */
export const rotateBody = z.strictObject({ overlap_hours: z.int(hours).min(0, hours).max(168, hours).default(24) });

/** What is told of the times of a secret. */
export const secretTimes = {
  created_at: time,
  expires_at: time,
  last_used_at: time.nullable(),
  revoked_at: time.nullable(),
  rotated_at: time.nullable(),
  /** Until when the secret before works too. */
  previous_until: time.nullable(),
};

const tokenSchema = z
  .object({
    token_id: z.string(),
    user_id: z.string(),
    name: z.string(),
    roles: z.array(z.string()),
    /** What its custom roles gave when it was made, by role: it never has more of them. */
    permissions: z.record(z.string(), z.array(z.string())).nullable(),
    scope: z.object({ tenants: z.array(z.string()).optional(), nodes: z.array(z.string()).optional() }).nullable(),
    ...secretTimes,
  })
  .meta({ id: 'ApiToken' });
export const newTokenSchema = tokenSchema.extend({ token: z.string() }).meta({ id: 'NewApiToken' });

@Controller('admin/v1/api-tokens')
export class ApiTokensController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  /** The newest first, also those that have ended. */
  @Get()
  @RequirePermission('self')
  @Answers('Lists API tokens, the newest first, also those that have ended.', page(tokenSchema))
  async list(@Query({ schema: listQuery }) { limit, cursor, user_id }: z.output<typeof listQuery>, @Caller() caller: Principal) {
    const own = userIdOf(caller);
    const asked = user_id ?? own;
    if (asked !== own) requirePermission(caller, 'identity.manage');
    const before = startOf('tokens', cursor);
    const tokens = await listApiTokens(this.identity.database, asked === 'all' ? undefined : asked, { before, limit: limit + 1 });
    const page = tokens.slice(0, limit);
    return pageOf('tokens', page.map(tokenView), tokens.length > limit ? (page.at(-1)?.tokenId ?? '') : '');
  }

  /** The only answer that holds the token; one that was lost is given again for its key. */
  @Post()
  @RequirePermission('self')
  @Answers('Makes an API token; no other answer ever holds it.', newTokenSchema)
  async create(
    @Body({ schema: newTokenBody }) body: z.output<typeof newTokenBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    refuseElsewhere(this.identity.elsewhere, caller.name);
    const created = await createApiToken(caller, newTokenOf(body), answeringOnce(this.identity, keyed, newTokenAnswer));
    tellPosition(reply, created.position);
    return created.body;
  }

  /** A new secret for a token: the only answer that holds it; one that was lost is given again for its key. */
  @Post(':id/rotate')
  @RequirePermission('self')
  @Answers('Answers a new secret for an API token; the one before works on for a while.', newTokenSchema)
  @HttpCode(200)
  async rotate(
    @Param('id', { schema: opaqueId }) tokenId: string,
    @Body({ schema: rotateBody }) body: z.output<typeof rotateBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    refuseElsewhere(this.identity.elsewhere, caller.name);
    const change = { tokenId, overlapHours: body.overlap_hours };
    const rotated = await rotateApiToken(caller, change, answeringOnce(this.identity, keyed, newTokenAnswer));
    tellPosition(reply, rotated.position);
    return rotated.body;
  }

  @Delete(':id')
  @RequirePermission('self')
  @Answers('Ends an API token.')
  @HttpCode(204)
  async revoke(
    @Param('id', { schema: opaqueId }) tokenId: string,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    refuseApiToken(caller);
    tellPosition(reply, await revokeApiToken(this.identity.database, caller, tokenId));
  }
}

/** What a token is to be, as it was asked for. */
export function newTokenOf({ expires_in_days: expiresInDays, ...token }: z.output<typeof newTokenBody>): NewToken {
  return { ...token, expiresInDays };
}

/** A token with its secret as it is answered once. */
export function newTokenAnswer({ apiToken, secretToken, position }: NewSecretToken) {
  return { position, body: { ...tokenView(apiToken), token: secretToken } };
}

/** The times of a secret, as {@link secretTimes} tells them. */
export function secretTimesOf(token: ApiToken) {
  return {
    created_at: token.createdAt.toISOString(),
    expires_at: token.expiresAt.toISOString(),
    last_used_at: token.lastUsedAt?.toISOString() ?? null,
    revoked_at: token.revokedAt?.toISOString() ?? null,
    rotated_at: token.rotatedAt?.toISOString() ?? null,
    previous_until: token.previousUntil?.toISOString() ?? null,
  };
}

function tokenView(token: ApiToken) {
  return {
    token_id: token.tokenId,
    user_id: token.userId,
    name: token.name,
    roles: token.roles,
    permissions: token.permissions,
    scope: token.scope,
    ...secretTimesOf(token),
  };
}
