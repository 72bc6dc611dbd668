import { FairleadError, newId, platformPath, tenantOfPath } from '@fairlead/contracts';
import { requireOn, type Principal } from '@fairlead/auth';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Answering, Database, Transaction } from '@fairlead/postgres';
import { invalidField } from '../domain/invalid.js';
import { isBuiltIn } from '../domain/held-roles.js';
import { deleteBinding, findBinding, insertBinding, type RoleBinding } from '../store/role-bindings.js';
import { findRole } from '../store/roles.js';
import { findUser, lockUsers, touchUser } from '../store/users.js';
import { presentCaller } from './callers.js';
import { refuseMore, refuseNoAdmin, refuseTooMany } from './given-roles.js';

/** What to bind: who gets which role, on which part of the platform. */
export interface NewBinding {
  readonly principal: string;
  readonly role: string;
  readonly scope: string;
}

/**
 * Throws `invalid_argument` for a scope that roles can't be held on, `tenant_not_found` for a tenant that there is not: a role on a
 * mistyped name would wait there for whoever takes that name.
 */
export async function checkScope(scope: string, tenantExists: (tenantId: string) => Promise<unknown>): Promise<void> {
  const tenant = tenantOfPath(scope);
  if (tenant !== undefined) await tenantExists(tenant);
  else if (scope !== platformPath) throw invalidField('scope', 'roles are held on / or on /tenants/{tenant}');
}

/**
 * Gives a principal a role on a scope path and records it; answers what is made of the binding and the event's position. Throws
 * `invalid_argument` for a principal or role that there is not, `already_exists`, `too_many_grants`, and `permission_denied` when the
 * caller may not manage identity there, or the role gives what they do not have there themselves.
 */
export async function createBinding<Answer>(
  caller: Principal,
  input: NewBinding,
  answering: Answering<{ binding: RoleBinding; position: number }, Answer>,
): Promise<Answer> {
  const { principal, role, scope } = input;
  return answering(async (tx) => {
    const present = await lockFor(tx, caller, scope);
    const custom = isBuiltIn(role) ? undefined : await findRole(tx, role);
    if (!isBuiltIn(role) && custom === undefined) throw invalidField('role', 'is not a role');
    refuseMore(present, { role, scope, permissions: custom?.permissions ?? null });
    const holder = await findHolder(tx, principal);
    const binding = await insertBinding(tx, { ...input, bindingId: newId('roleBinding'), createdBy: caller.id });
    if (binding === undefined) throw new FairleadError('already_exists', `${principal} has the role ${role} on ${scope} already`);
    await refuseTooMany(tx, principal);
    await touchUser(tx, holder);
    return { binding, position: await record(tx, 'role_binding_created', binding) };
  });
}

/**
 * Takes a binding away and records it; answers the event's position. Access tokens that are out keep what it gave until they end, but
 * change nobody's rights. Throws `role_binding_not_found`, `invalid_argument` when nobody would be left to administer the platform, and
 * `permission_denied` when the caller may not manage identity there.
 */
export async function removeBinding(database: Database, caller: Principal, bindingId: string): Promise<number> {
  return database.transaction(async (tx) => {
    await lockUsers(tx);
    const present = await presentCaller(tx, caller);
    const binding = await findBinding(tx, bindingId);
    if (binding === undefined) throw new FairleadError('role_binding_not_found', `There is no role binding ${bindingId}`);
    requireOn(present, 'identity.manage', binding.scope);
    await deleteBinding(tx, bindingId);
    await refuseNoAdmin(tx);
    await touchUser(tx, await findHolder(tx, binding.principal));
    return record(tx, 'role_binding_deleted', binding);
  });
}

/** Locks all users for one who may manage identity on a scope path; answers them as they are now. */
async function lockFor(tx: Transaction, caller: Principal, scope: string): Promise<Principal> {
  await lockUsers(tx);
  const present = await presentCaller(tx, caller);
  requireOn(present, 'identity.manage', scope);
  return present;
}

async function findHolder(tx: Transaction, principal: string): Promise<{ userId: string }> {
  const userId = principal.startsWith('user:') ? principal.slice('user:'.length) : undefined;
  const user = userId === undefined ? undefined : await findUser(tx, { userId });
  if (user === undefined) throw invalidField('principal', 'is nobody who could hold a role');
  return { userId: user.userId };
}

async function record(tx: Transaction, type: 'role_binding_created' | 'role_binding_deleted', binding: RoleBinding): Promise<number> {
  const { bindingId, principal, role, scope } = binding;
  const event: NewEvent = { aggregateType: 'role_binding', aggregateId: bindingId, type, payload: { principal, role, scope } };
  return (await appendInTransaction(tx, { events: [event] })).lastPosition;
}
