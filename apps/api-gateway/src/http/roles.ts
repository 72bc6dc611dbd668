import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { permissions, roles, type Role } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { answeringOnce, type KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { tellPosition } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { Caller, etagOf, IdempotencyKey, IfMatch, roleName, text } from '../edge/parse.js';
import { isBuiltIn } from '../domain/held-roles.js';
import { AnsweredByIam } from '../iam/answered-by-iam.js';
import { identity, type Identity } from '../identity/identity.js';
import { changeRole, createRole, noSuchRole, removeRole } from '../identity/roles.js';
import { findRole, listRoles, type CustomRole } from '../store/roles.js';

const permissionList = z
  .array(z.enum(permissions, 'is not a permission'), 'must be a list of permissions')
  .min(1, 'must name a permission')
  .max(permissions.length, 'has too many permissions')
  .transform((names) => [...new Set(names)].sort());

const listQuery = z.strictObject(pageQuery);
const createBody = z.strictObject({ name: roleName, description: text(500), permissions: permissionList });
const changeBody = z
  .strictObject({ description: text(500).optional(), permissions: permissionList.optional() })
  .refine(
    ({ description, permissions }) => description !== undefined || permissions !== undefined,
    'nothing to change: give description or permissions',
  );

const roleSchema = z
  .object({
    name: z.string(),
    /** A role of the product: it stays as it is. */
    built_in: z.boolean(),
    description: z.string(),
    permissions: z.array(z.string()),
    /** Its entity tag, in quotes; null for a built-in role. */
    revision: z.int().nullable(),
    created_at: time.nullable(),
    updated_at: time.nullable(),
  })
  .meta({ id: 'Role' });

const builtIn: Readonly<Record<Role, string>> = {
  viewer: 'Looks at everything that is no secret.',
  operator: 'Moves tenants and steers jobs, and whatever a viewer may.',
  admin: 'Whatever there is to do.',
};

const pageSchema = page(roleSchema);

@Controller('admin/v1/roles')
@AnsweredByIam()
export class RolesController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  /** To everybody who could bind one somewhere. */
  @Get()
  @RequirePermission('identity.manage', { anywhere: true })
  @Answers('Lists roles in the order of their names, those of the product too.', pageSchema)
  async list(@Query({ schema: listQuery }) { limit, cursor }: z.output<typeof listQuery>) {
    const after = startOf('roles', cursor) ?? '';
    const custom = await listRoles(this.identity.database, { after, limit: limit + 1 });
    const own = (Object.keys(roles) as Role[]).filter((name) => name > after).map(builtInView);
    const found = [...own, ...custom.map(roleView)].sort((a, b) => (a.name < b.name ? -1 : 1));
    const page = found.slice(0, limit);
    return pageOf('roles', page, found.length > limit ? (page.at(-1)?.name ?? '') : '');
  }

  @Post()
  @RequirePermission('identity.manage')
  @Answers('Makes a role of permissions that the caller has themselves.', roleSchema)
  async create(
    @Body({ schema: createBody }) body: z.output<typeof createBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answering = answeringOnce(this.identity, keyed, ({ role, position }: { role: CustomRole; position: number }) => ({
      ...{ position, body: roleView(role) },
    }));
    const answer = await createRole(caller, body, answering);
    tellPosition(reply, answer.position);
    reply.header('etag', etagOf(answer.body.revision));
    return answer.body;
  }

  @Get(':name')
  @RequirePermission('identity.manage', { anywhere: true })
  @Answers('Tells a role.', roleSchema)
  async get(@Param('name', { schema: roleName }) name: string, @Res({ passthrough: true }) reply: FastifyReply) {
    if (isBuiltIn(name)) return builtInView(name);
    const role = await findRole(this.identity.database, name);
    if (role === undefined) throw noSuchRole(name);
    reply.header('etag', etagOf(role.revision));
    return roleView(role);
  }

  @Patch(':name')
  @RequirePermission('identity.manage')
  @Answers('Changes what a role gives to all who hold it.', roleSchema)
  async change(
    @Param('name', { schema: roleName }) name: string,
    @Body({ schema: changeBody }) body: z.output<typeof changeBody>,
    @IfMatch() revision: number | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { role, position } = await changeRole(this.identity.database, caller, name, { ...body, revision });
    tellPosition(reply, position);
    reply.header('etag', etagOf(role.revision));
    return roleView(role);
  }

  @Delete(':name')
  @RequirePermission('identity.manage')
  @Answers('Deletes a role that nobody holds.')
  @HttpCode(204)
  async delete(
    @Param('name', { schema: roleName }) name: string,
    @IfMatch() revision: number | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    tellPosition(reply, await removeRole(this.identity.database, caller, name, revision));
  }
}

function builtInView(name: Role) {
  const none = { revision: null, created_at: null, updated_at: null };
  return { name, built_in: true, description: builtIn[name], permissions: [...roles[name]].sort(), ...none };
}

function roleView(role: CustomRole) {
  return {
    name: role.name,
    built_in: false,
    description: role.description,
    permissions: [...role.permissions],
    revision: role.revision,
    created_at: role.createdAt.toISOString(),
    updated_at: role.updatedAt.toISOString(),
  };
}
