/** Custom roles. Every change of one has locked the users, as changes of bindings have: what a role gives and who holds it are judged together. */
import { FairleadError, platformPath, type Permission } from '@fairlead/contracts';
import { claimOf, lackingAt, requirePermission, type Principal } from '@fairlead/auth';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Answering, Database, Transaction } from '@fairlead/postgres';
import { grantsOfHeld, isBuiltIn } from '../domain/held-roles.js';
import {
  countBindingsOf,
  deleteRole,
  findRole,
  holdersOf,
  insertRole,
  touchUsersWith,
  updateRole,
  type CustomRole,
} from '../store/roles.js';
import { lockUsers } from '../store/users.js';
import { presentCaller } from './callers.js';

export interface RoleChange {
  readonly description?: string;
  readonly permissions?: readonly Permission[];
  /** What the change is for; whatever is there without it. */
  readonly revision?: number;
}

/**
 * Makes a custom role and records it; answers what is made of it and the event's position. Throws `already_exists`, `role_built_in` for a
 * name of the product's own, and `permission_denied` for a permission that the caller does not have on the whole platform themselves, or
 * when they may not manage identity there.
 */
export async function createRole<Answer>(
  caller: Principal,
  input: { name: string; description: string; permissions: readonly Permission[] },
  answering: Answering<{ role: CustomRole; position: number }, Answer>,
): Promise<Answer> {
  const { name, description, permissions } = input;
  return answering(async (tx) => {
    const present = await lockFor(tx, caller, name);
    refusePermissions(present, name, permissions);
    const role = await insertRole(tx, { name, description, permissions });
    if (role === undefined) throw new FairleadError('already_exists', `There is a role ${name} already`);
    const payload = { name, description, permissions: [...permissions] };
    return { role, position: await record(tx, { aggregateType: 'role', aggregateId: name, type: 'role_created', payload }) };
  });
}

/**
 * Changes what a custom role says, for all who hold it, and records it; answers the role and the event's position, which is undefined when
 * nothing changed. Throws `role_not_found`, `role_built_in`, `revision_mismatch`, `too_many_grants` when an access token could not tell any
 * more what one of them holds, and `permission_denied` as `createRole` does for permissions that are new in it: whoever holds the role
 * themselves gets no further by it, and neither does anybody else.
 */
export async function changeRole(
  database: Database,
  caller: Principal,
  name: string,
  change: RoleChange,
): Promise<{ role: CustomRole; position: number | undefined }> {
  return database.transaction(async (tx) => {
    const present = await lockFor(tx, caller, name);
    const before = await mustFind(tx, name);
    refuseOther(before, change.revision);
    const { description = before.description, permissions = before.permissions } = change;
    if (description === before.description && JSON.stringify(permissions) === JSON.stringify(before.permissions))
      return { role: before, position: undefined };
    refusePermissions(
      present,
      name,
      (change.permissions ?? []).filter((one) => !before.permissions.includes(one)),
    );
    const role = await updateRole(tx, { name, description, permissions });
    if (role === undefined) throw noSuchRole(name);
    for (const { held } of await holdersOf(tx, name)) claimOf(grantsOfHeld(held));
    await touchUsersWith(tx, name);
    const payload = {
      name,
      before: { description: before.description, permissions: [...before.permissions] },
      after: { description, permissions: [...permissions] },
    };
    return { role, position: await record(tx, { aggregateType: 'role', aggregateId: name, type: 'role_changed', payload }) };
  });
}

/**
 * Deletes a custom role that nobody holds and records it; answers the event's position. Throws `role_not_found`, `role_built_in`,
 * `revision_mismatch`, `role_in_use`, and `permission_denied` when the caller may not manage identity.
 */
export async function removeRole(database: Database, caller: Principal, name: string, revision: number | undefined): Promise<number> {
  return database.transaction(async (tx) => {
    await lockFor(tx, caller, name);
    const before = await mustFind(tx, name);
    refuseOther(before, revision);
    const bindings = await countBindingsOf(tx, name);
    if (bindings > 0)
      throw new FairleadError('role_in_use', `The role ${name} is held: take its bindings away first`, { details: { bindings } });
    await deleteRole(tx, name);
    const payload = { name, description: before.description, permissions: [...before.permissions] };
    return record(tx, { aggregateType: 'role', aggregateId: name, type: 'role_deleted', payload });
  });
}

/** Locks all users for one who may manage identity on the whole platform, and refuses roles of the product; answers them as they are now. */
async function lockFor(tx: Transaction, caller: Principal, name: string): Promise<Principal> {
  await lockUsers(tx);
  const present = await presentCaller(tx, caller);
  requirePermission(present, 'identity.manage');
  if (isBuiltIn(name)) throw new FairleadError('role_built_in', `The role ${name} is built in: it stays as it is`);
  return present;
}

/** A role may be held anywhere, so what it gives is to be had everywhere by whoever puts it in. */
function refusePermissions(caller: Principal, role: string, permissions: readonly Permission[]): void {
  const permission = lackingAt(caller, permissions, platformPath);
  if (permission === undefined) return;
  throw new FairleadError('permission_denied', `The role ${role} could do more than you: you lack ${permission}`, {
    details: { role, scope: platformPath, permission },
  });
}

async function mustFind(tx: Transaction, name: string): Promise<CustomRole> {
  const role = await findRole(tx, name);
  if (role === undefined) throw noSuchRole(name);
  return role;
}

export function noSuchRole(name: string): FairleadError {
  return new FairleadError('role_not_found', `There is no role ${name}`);
}

function refuseOther({ revision: present }: CustomRole, asked: number | undefined): void {
  if (asked === undefined || asked === present) return;
  throw new FairleadError('revision_mismatch', `The role has been changed since: the revision is ${String(present)} now`, {
    details: { revision: present },
  });
}

async function record(tx: Transaction, event: NewEvent): Promise<number> {
  return (await appendInTransaction(tx, { events: [event] })).lastPosition;
}
