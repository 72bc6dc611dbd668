import { FairleadError, newId, orgOfPath, projectOfPath, tenantOfPath } from '@fairlead/contracts';
import { accountOf, requireOn, type Principal } from '@fairlead/auth';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Answering, Database, Transaction } from '@fairlead/postgres';
import { invalidField } from '../domain/invalid.js';
import { findOrg } from '../store/orgs.js';
import { findProject } from '../store/projects.js';
import { deleteBinding, deleteBindingsWithin, findBinding, insertBinding, type RoleBinding } from '../store/role-bindings.js';
import { findUser, lockUsers, touchUser, touchUsers } from '../store/users.js';
import { lockedCaller, presentCaller } from './callers.js';
import { refuseMore, refuseNoAdmin, refuseTooMany, roleToGive } from './given-roles.js';

/** What to bind: who gets which role, on which part of the platform. */
export interface NewBinding {
  readonly principal: string;
  readonly role: string;
  readonly scope: string;
}

/**
 * Throws `tenant_not_found` for a scope of a tenant that there is not: a role on a mistyped name would wait there for whoever takes that
 * name. Orgs and projects are looked for where the binding is made, since they can go.
 */
export async function checkTenant(scope: string, tenantExists: (tenantId: string) => Promise<unknown>): Promise<void> {
  const tenant = tenantOfPath(scope);
  if (tenant !== undefined) await tenantExists(tenant);
}

/**
 * Gives a principal a role on a scope path and records it; answers what is made of the binding and the event's position. Throws
 * `invalid_argument` for a principal or role that there is not, `org_not_found`, `project_not_found`, `already_exists`, `too_many_grants`,
 * and `permission_denied` when the caller may not manage identity there, or the role gives what they do not have there themselves.
 */
export async function createBinding<Answer>(
  caller: Principal,
  input: NewBinding,
  answering: Answering<{ binding: RoleBinding; position: number }, Answer>,
): Promise<Answer> {
  const { principal, role, scope } = input;
  return answering(async (tx) => {
    const present = await lockedCaller(tx, caller, 'identity.manage', scope);
    await refuseGone(tx, scope);
    refuseMore(present, await roleToGive(tx, role, scope));
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

/**
 * Takes away all roles that are held on a scope path and below it, as what is there comes to an end; answers the events that tell of it. The
 * transaction has locked the users.
 */
export async function takeBindingsWithin(tx: Transaction, path: string): Promise<NewEvent[]> {
  const bindings = await deleteBindingsWithin(tx, path);
  await touchUsers(tx, [...new Set(bindings.map(({ principal }) => principal))]);
  return bindings.map((binding) => eventOf('role_binding_deleted', binding));
}

/** Throws `org_not_found` or `project_not_found` for the scope path of one that there is not. While the users are locked, none goes. */
async function refuseGone(tx: Transaction, scope: string): Promise<void> {
  const org = orgOfPath(scope);
  if (org !== undefined && (await findOrg(tx, org)) === undefined) throw new FairleadError('org_not_found', `There is no org ${org}`);
  const project = projectOfPath(scope);
  if (project !== undefined && (await findProject(tx, project.org, project.project)) === undefined)
    throw new FairleadError('project_not_found', `The org ${project.org} has no project ${project.project}`);
}

async function findHolder(tx: Transaction, principal: string): Promise<{ userId: string }> {
  const userId = accountOf(principal);
  const user = userId === undefined ? undefined : await findUser(tx, { userId });
  if (user === undefined) throw invalidField('principal', 'is nobody who could hold a role');
  return { userId: user.userId };
}

type Told = 'role_binding_created' | 'role_binding_deleted';

/** The event that tells of a binding. */
export function eventOf(type: Told, { bindingId, principal, role, scope }: RoleBinding): NewEvent {
  return { aggregateType: 'role_binding', aggregateId: bindingId, type, payload: { principal, role, scope } };
}

async function record(tx: Transaction, type: Told, binding: RoleBinding): Promise<number> {
  return (await appendInTransaction(tx, { events: [eventOf(type, binding)] })).lastPosition;
}
