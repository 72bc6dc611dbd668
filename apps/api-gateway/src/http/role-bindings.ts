import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { platformPath } from '@fairlead/contracts';
import { requireOn, type Principal } from '@fairlead/auth';
import { answeringOnce, type KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { placementClient, tellPosition, type PlacementClient } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { accountPrincipal, Caller, holderId, IdempotencyKey, opaqueId, roleName, scopePath } from '../edge/parse.js';
import { AnsweredByIam, ToIam, type Asked } from '../iam/answered-by-iam.js';
import { refuseMore } from '../identity/given-roles.js';
import { identity, type Identity } from '../identity/identity.js';
import { checkTenant, createBinding, removeBinding } from '../identity/role-bindings.js';
import { listBindings, type RoleBinding } from '../store/role-bindings.js';

const listQuery = z.strictObject({
  ...pageQuery,
  principal: accountPrincipal.optional(),
  role: roleName.optional(),
  /** Only those on this very scope. */
  scope: scopePath.optional(),
});
const createBody = z.strictObject({ principal: holderId, role: roleName, scope: scopePath });

const bindingSchema = z
  .object({
    binding_id: z.string(),
    principal: z.string(),
    role: z.string(),
    /** The part of the platform that the role is held on, with all that is below it. */
    scope: z.string(),
    created_by: z.string(),
    created_at: time,
  })
  .meta({ id: 'RoleBinding' });

const pageSchema = page(bindingSchema);

@Controller('admin/v1/role-bindings')
// What bindings there are on a part of the platform, only the IAM knows.
@AnsweredByIam({ before: onPlatform })
export class RoleBindingsController {
  constructor(
    @Inject(identity) private readonly identity: Identity,
    @Inject(placementClient) private readonly placement: PlacementClient,
  ) {}

  /** Those on the parts of the platform whose identity the caller manages. */
  @Get()
  @RequirePermission('identity.manage', { anywhere: true })
  @Answers('Lists role bindings in the order of their ids, as far as the caller manages identity.', pageSchema)
  async list(@Query({ schema: listQuery }) { limit, cursor, ...filter }: z.output<typeof listQuery>, @Caller() caller: Principal) {
    const within = caller.grants.has('identity.manage') ? undefined : [...(caller.grantsOn?.get('identity.manage') ?? [])];
    const after = startOf('bindings', cursor) ?? '';
    const bindings = await listBindings(this.identity.database, { ...filter, within }, { after, limit: limit + 1 });
    const page = bindings.slice(0, limit);
    return pageOf('bindings', page.map(bindingView), bindings.length > limit ? (page.at(-1)?.bindingId ?? '') : '');
  }

  @Post()
  @RequirePermission('identity.manage', { anywhere: true })
  @Answers('Gives a principal a role on a part of the platform.', bindingSchema)
  @ToIam<z.output<typeof createBody>>({
    before: ({ caller, body: { role, scope } }) => {
      requireOn(caller, 'identity.manage', scope);
      refuseMore(caller, { role, scope, permissions: null });
    },
  })
  async create(
    @Body({ schema: createBody }) body: z.output<typeof createBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    requireOn(caller, 'identity.manage', body.scope);
    await checkTenant(body.scope, (tenantId) => this.placement.getTenant({ tenantId }));
    const answering = answeringOnce(this.identity, keyed, ({ binding, position }: { binding: RoleBinding; position: number }) => ({
      ...{ position, body: bindingView(binding) },
    }));
    const answer = await createBinding(caller, body, answering);
    tellPosition(reply, answer.position);
    return answer.body;
  }

  @Delete(':id')
  @RequirePermission('identity.manage', { anywhere: true })
  @Answers('Takes a role from a principal.')
  @HttpCode(204)
  async delete(
    @Param('id', { schema: opaqueId }) bindingId: string,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    tellPosition(reply, await removeBinding(this.identity.database, caller, bindingId));
  }
}

function onPlatform({ caller }: Asked<unknown>): void {
  requireOn(caller, 'identity.manage', platformPath);
}

function bindingView(binding: RoleBinding) {
  return {
    binding_id: binding.bindingId,
    principal: binding.principal,
    role: binding.role,
    scope: binding.scope,
    created_by: binding.createdBy,
    created_at: binding.createdAt.toISOString(),
  };
}
