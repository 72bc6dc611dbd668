import { Controller, Get, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { FairleadError, permissions, platformPath } from '@fairlead/contracts';
import { accountOf, grantsByPath, permissionsAt, requireOn, viaOf, type Principal } from '@fairlead/auth';
import { RequirePermission } from '../edge/access.js';
import { Answers } from '../edge/answers.js';
import { accountPrincipal, Caller, scopePath } from '../edge/parse.js';
import { explain } from '../domain/explain.js';
import { identity, type Identity } from '../identity/identity.js';
import { bindingsOf } from '../store/role-bindings.js';
import { rolesGiving } from '../store/roles.js';
import { findUser } from '../store/users.js';

const explainQuery = z.strictObject({
  principal: accountPrincipal,
  permission: z.enum(permissions, 'is not a permission'),
  scope: scopePath.default(platformPath),
});

const heldSchema = z.object({ binding_id: z.string(), role: z.string(), scope: z.string() });
const whoamiSchema = z
  .object({
    principal: z.string(),
    name: z.string(),
    via: z.string().nullable(),
    session_id: z.string().nullable(),
    /** What the caller holds now. */
    bindings: z.array(heldSchema),
    /** What this very access token gives, by scope: fewer where it is an API token's, and as it was when it was signed. */
    permissions: z.array(z.object({ scope: z.string(), permissions: z.array(z.string()) })),
  })
  .meta({ id: 'Whoami' });
const explanationSchema = z
  .object({
    principal: z.string(),
    permission: z.string(),
    scope: z.string(),
    allowed: z.boolean(),
    /** A principal who is disabled may do nothing, whatever they hold. */
    disabled: z.boolean(),
    /** The bindings that give it, each by itself. */
    by: z.array(heldSchema),
    /** When nothing gives it: any of these roles on any of these scopes would. */
    would: z.object({ roles: z.array(z.string()), scopes: z.array(z.string()) }).nullable(),
  })
  .meta({ id: 'Explanation' });

@Controller('admin/v1/auth')
export class AccessController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  @Get('whoami')
  @RequirePermission('self')
  @Answers('Tells who calls, what they hold and what they may do where.', whoamiSchema)
  async whoami(@Caller() caller: Principal) {
    const scopes = [...grantsByPath(caller).keys()].sort();
    return {
      principal: caller.id,
      name: caller.name,
      via: viaOf(caller) ?? null,
      session_id: caller.sessionId ?? null,
      bindings: (await bindingsOf(this.identity.database, caller.id)).map(heldView),
      permissions: scopes.map((scope) => ({ scope, permissions: permissionsAt(caller, scope) })),
    };
  }

  /** By the bindings as they are now. About others it is answered to those who manage identity there. */
  @Get('explain')
  @RequirePermission('self')
  @Answers('Explains whether somebody may do something somewhere, and why.', explanationSchema)
  async explain(@Query({ schema: explainQuery }) query: z.output<typeof explainQuery>, @Caller() caller: Principal) {
    const { principal, permission, scope } = query;
    if (principal !== caller.id) requireOn(caller, 'identity.manage', scope);
    const { database } = this.identity;
    const userId = accountOf(principal);
    const user = userId === undefined ? undefined : await findUser(database, { userId });
    if (user === undefined) throw new FairleadError('not_found', `There is no principal ${principal}`);
    const [held, custom] = await Promise.all([bindingsOf(database, principal), rolesGiving(database, permission)]);
    const { allowed, by, would } = explain(held, permission, scope, custom);
    const told = { principal, permission, scope, allowed: allowed && !user.disabled, disabled: user.disabled, by: by.map(heldView) };
    return { ...told, would: would === undefined ? null : { roles: [...would.roles], scopes: [...would.scopes] } };
  }
}

function heldView({ bindingId, role, scope }: { bindingId: string; role: string; scope: string }) {
  return { binding_id: bindingId, role, scope };
}
