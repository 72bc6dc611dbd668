import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { projectPath } from '@fairlead/contracts';
import { requireOn, type Principal } from '@fairlead/auth';
import { answeringOnce, type KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page } from '../edge/answers.js';
import { tellPosition } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { Caller, IdempotencyKey, opaqueId, orgName, projectName, roleName, text } from '../edge/parse.js';
import { refuseElsewhere } from '../identity/elsewhere.js';
import { identity, type Identity } from '../identity/identity.js';
import { noSuchProject } from '../orgs/find.js';
import { createKey, revokeKey, rotateKey, type NewSecretKey } from '../orgs/keys.js';
import { listApiTokens, type ApiToken } from '../store/api-tokens.js';
import { findProject } from '../store/projects.js';
import { expiresInDays, rotateBody, secretTimes, secretTimesOf } from './api-tokens.js';

const listQuery = z.strictObject(pageQuery);
const createBody = z.strictObject({
  name: text(100),
  /** What the key may do on the project, built in or custom; no more than who makes it. */
  role: roleName,
  expires_in_days: expiresInDays,
});

const keySchema = z
  .object({
    key_id: z.string(),
    name: z.string(),
    role: z.string(),
    /** What a custom role gave when the key was made: it never has more of it. */
    permissions: z.array(z.string()).nullable(),
    ...secretTimes,
  })
  .meta({ id: 'ProjectKey' });
const newKeySchema = keySchema.extend({ key: z.string() }).meta({ id: 'NewProjectKey' });

@Controller('platform/v1/orgs/:org/projects/:project/keys')
export class ProjectKeysController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  @Get()
  @RequirePermission('project.read', { anywhere: true })
  @Answers('Lists the keys of a project, the newest first, also those that have ended.', page(keySchema))
  async list(
    @Param('org', { schema: orgName }) org: string,
    @Param('project', { schema: projectName }) name: string,
    @Query({ schema: listQuery }) { limit, cursor }: z.output<typeof listQuery>,
    @Caller() caller: Principal,
  ) {
    requireOn(caller, 'project.read', projectPath(org, name));
    const before = startOf('keys', cursor);
    const project = await findProject(this.identity.database, org, name);
    if (project === undefined) throw noSuchProject({ org, name });
    const keys = await listApiTokens(this.identity.database, project.projectId, { before, limit: limit + 1 });
    const page = keys.slice(0, limit);
    return pageOf('keys', page.map(keyView), keys.length > limit ? (page.at(-1)?.tokenId ?? '') : '');
  }

  /** The only answer that holds the key; one that was lost is given again for its idempotency key. */
  @Post()
  @RequirePermission('project.manage', { anywhere: true })
  @Answers('Makes a key of a project; no other answer ever holds it.', newKeySchema)
  async create(
    @Param('org', { schema: orgName }) org: string,
    @Param('project', { schema: projectName }) name: string,
    @Body({ schema: createBody }) body: z.output<typeof createBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    requireOn(caller, 'project.manage', projectPath(org, name));
    refuseElsewhere(this.identity.elsewhere, caller.name);
    const key = { name: body.name, role: body.role, expiresInDays: body.expires_in_days };
    const created = await createKey(caller, { org, name }, key, answeringOnce(this.identity, keyed, newKeyAnswer));
    tellPosition(reply, created.position);
    return created.body;
  }

  /** A new secret for a key: the only answer that holds it; one that was lost is given again for its idempotency key. */
  @Post(':key/rotate')
  @RequirePermission('project.manage', { anywhere: true })
  @Answers('Answers a new secret for a key of a project; the one before works on for a while.', newKeySchema)
  @HttpCode(200)
  async rotate(
    @Param('org', { schema: orgName }) org: string,
    @Param('project', { schema: projectName }) name: string,
    @Param('key', { schema: opaqueId }) keyId: string,
    @Body({ schema: rotateBody }) body: z.output<typeof rotateBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    requireOn(caller, 'project.manage', projectPath(org, name));
    refuseElsewhere(this.identity.elsewhere, caller.name);
    const rotation = { keyId, overlapHours: body.overlap_hours };
    const rotated = await rotateKey(caller, { org, name }, rotation, answeringOnce(this.identity, keyed, newKeyAnswer));
    tellPosition(reply, rotated.position);
    return rotated.body;
  }

  @Delete(':key')
  @RequirePermission('project.manage', { anywhere: true })
  @Answers('Ends a key of a project, at once.')
  @HttpCode(204)
  async revoke(
    @Param('org', { schema: orgName }) org: string,
    @Param('project', { schema: projectName }) name: string,
    @Param('key', { schema: opaqueId }) keyId: string,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    tellPosition(reply, await revokeKey(this.identity.database, caller, { org, name }, keyId));
  }
}

function newKeyAnswer({ key, secretKey, position }: NewSecretKey) {
  return { position, body: { ...keyView(key), key: secretKey } };
}

function keyView(key: ApiToken) {
  const [role = ''] = key.roles;
  return {
    key_id: key.tokenId,
    name: key.name,
    role,
    permissions: key.permissions?.[role] ?? null,
    ...secretTimesOf(key),
  };
}
