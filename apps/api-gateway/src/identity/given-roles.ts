/** Giving and taking roles, for whatever does it. Every transaction that does has locked the users. */
import { FairleadError, newId, platformPath, type Role } from '@fairlead/contracts';
import { claimOf, lackingAt, type Principal } from '@fairlead/auth';
import type { Transaction } from '@fairlead/postgres';
import { invalidField } from '../domain/invalid.js';
import { grantsOfHeld, permissionsOf, type HeldRole } from '../domain/held-roles.js';
import { deleteBindingsOf, insertBinding, rolesHeldBy } from '../store/role-bindings.js';
import { rolesNamed } from '../store/roles.js';
import { countAdmins } from '../store/users.js';

/** Throws `permission_denied` when a role gives, where it is to be held, what the caller does not have there: nobody gives more than they have. */
export function refuseMore(caller: Principal, given: HeldRole): void {
  const lacking = lackingAt(caller, permissionsOf(given), given.scope);
  if (lacking === undefined) return;
  const { role, scope } = given;
  const where = scope === platformPath ? '' : ` on ${scope}`;
  throw new FairleadError('permission_denied', `The role ${role} could do more than you: you lack ${lacking}${where}`, {
    details: { role, scope, permission: lacking },
  });
}

/** The same, for built-in roles on the whole platform. */
export function refuseMoreRoles(caller: Principal, roles: readonly Role[]): void {
  for (const role of roles) refuseMore(caller, { role, scope: platformPath, permissions: null });
}

/** A role by its name, as it is to be held on a scope path. Throws `invalid_argument` for one that there is not. */
export async function roleToGive(tx: Transaction, name: string, scope: string): Promise<HeldRole> {
  const [role] = await rolesNamed(tx, [name], scope);
  if (role === undefined) throw invalidField('role', 'is not a role');
  return role;
}

/** Roles by their names, on the whole platform. Throws `invalid_argument` for one that there is not. */
export async function rolesToGive(tx: Transaction, names: readonly string[]): Promise<HeldRole[]> {
  const found = await rolesNamed(tx, names, platformPath);
  return found.map((role, index) => {
    if (role === undefined) throw invalidField(`roles/${String(index)}`, 'is not a role');
    return role;
  });
}

/** Throws `too_many_grants` when a principal holds more than an access token tells. */
export async function refuseTooMany(tx: Transaction, principal: string): Promise<void> {
  claimOf(grantsOfHeld(await rolesHeldBy(tx, principal)));
}

/** Throws `invalid_argument` when nobody can administer the platform any more. */
export async function refuseNoAdmin(tx: Transaction): Promise<void> {
  if ((await countAdmins(tx)) === 0) throw new FairleadError('invalid_argument', 'Nobody would be left who can administer users');
}

/** Gives a user built-in roles on the whole platform; the event of the caller's tells of it. */
export async function giveRoles(tx: Transaction, given: { userId: string; roles: readonly Role[]; by: string }): Promise<void> {
  for (const role of given.roles)
    await insertBinding(tx, {
      ...{ bindingId: newId('roleBinding'), principal: `user:${given.userId}`, role, scope: platformPath, createdBy: given.by },
    });
}

/** Gives and takes a user's built-in roles on the whole platform, so that they have these. */
export async function replaceRoles(
  tx: Transaction,
  { userId, before, roles, by }: { userId: string; before: readonly Role[]; roles: readonly Role[]; by: string },
): Promise<void> {
  const taken = before.filter((role) => !roles.includes(role));
  await deleteBindingsOf(tx, { principal: `user:${userId}`, roles: taken, scope: platformPath });
  await giveRoles(tx, { userId, roles: roles.filter((role) => !before.includes(role)), by });
}
