import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { orgPath } from '@fairlead/contracts';
import { orgsWith, requireOn, type Principal } from '@fairlead/auth';
import { answeringOnce, type KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { tellPosition } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { Caller, etagOf, IdempotencyKey, IfMatch, orgName, text } from '../edge/parse.js';
import { identity, type Identity } from '../identity/identity.js';
import { noSuchOrg } from '../orgs/find.js';
import { changeOrg, createOrg, removeOrg, type ToldOrg } from '../orgs/orgs.js';
import { findOrg, listOrgs, type Org } from '../store/orgs.js';

const listQuery = z.strictObject(pageQuery);
const createBody = z.strictObject({ name: orgName, display_name: text(200) });
const changeBody = z.strictObject({ display_name: text(200) });

const orgSchema = z
  .object({
    org_id: z.string(),
    name: z.string(),
    display_name: z.string(),
    /** The part of the platform that roles on it are held on. */
    scope: z.string(),
    /** Its entity tag, in quotes. */
    revision: z.int(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Org' });

@Controller('platform/v1/orgs')
export class OrgsController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  @Get()
  @RequirePermission('org.read', { anywhere: true })
  @Answers('Lists the orgs that the caller may read, in the order of their names.', page(orgSchema))
  async list(@Query({ schema: listQuery }) { limit, cursor }: z.output<typeof listQuery>, @Caller() caller: Principal) {
    const after = startOf('orgs', cursor) ?? '';
    const orgs = await listOrgs(this.identity.database, orgsWith(caller, 'org.read'), { after, limit: limit + 1 });
    const page = orgs.slice(0, limit);
    return pageOf('orgs', page.map(orgView), orgs.length > limit ? (page.at(-1)?.name ?? '') : '');
  }

  @Post()
  @RequirePermission('org.manage')
  @Answers('Makes an org, which has no projects yet.', orgSchema)
  async create(
    @Body({ schema: createBody }) { name, display_name: displayName }: z.output<typeof createBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answering = answeringOnce(this.identity, keyed, ({ org, position }: ToldOrg) => ({ position, body: orgView(org) }));
    const answer = await createOrg(caller, { name, displayName }, answering);
    tellPosition(reply, answer.position);
    reply.header('etag', etagOf(answer.body.revision));
    reply.header('location', `/platform/v1${orgPath(name)}`);
    return answer.body;
  }

  @Get(':org')
  @RequirePermission('org.read', { anywhere: true })
  @Answers('Tells an org.', orgSchema)
  async get(@Param('org', { schema: orgName }) name: string, @Caller() caller: Principal, @Res({ passthrough: true }) reply: FastifyReply) {
    requireOn(caller, 'org.read', orgPath(name));
    const org = await findOrg(this.identity.database, name);
    if (org === undefined) throw noSuchOrg(name);
    reply.header('etag', etagOf(org.revision));
    return orgView(org);
  }

  @Patch(':org')
  @RequirePermission('org.manage', { anywhere: true })
  @Answers('Changes what people call an org; its name stays.', orgSchema)
  async change(
    @Param('org', { schema: orgName }) name: string,
    @Body({ schema: changeBody }) { display_name: displayName }: z.output<typeof changeBody>,
    @IfMatch() revision: number | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { org, position } = await changeOrg(this.identity.database, caller, name, { displayName, revision });
    tellPosition(reply, position);
    reply.header('etag', etagOf(org.revision));
    return orgView(org);
  }

  @Delete(':org')
  @RequirePermission('org.manage', { anywhere: true })
  @Answers('Deletes an org without projects, with the roles that are held on it.')
  @HttpCode(204)
  async delete(
    @Param('org', { schema: orgName }) name: string,
    @IfMatch() revision: number | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    tellPosition(reply, await removeOrg(this.identity.database, caller, name, revision));
  }
}

function orgView(org: Org) {
  return {
    org_id: org.orgId,
    name: org.name,
    display_name: org.displayName,
    scope: orgPath(org.name),
    revision: org.revision,
    created_at: org.createdAt.toISOString(),
    updated_at: org.updatedAt.toISOString(),
  };
}
