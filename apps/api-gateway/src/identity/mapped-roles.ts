/** Roles that an issuer's claims are mapped to: bindings that the gateway gives and takes. Whatever changes them has locked the users. */
import { newId, platformPath } from '@fairlead/contracts';
import type { NewEvent } from '@fairlead/event-log';
import type { Sql, Transaction } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { lackingIn, type MappedRole } from '../domain/group-roles.js';
import { isBuiltIn, platformRoles, type HeldRole } from '../domain/held-roles.js';
import type { ExternalUser } from '../store/external-identities.js';
import { deleteBinding, insertBinding } from '../store/role-bindings.js';
import { rolesNamed } from '../store/roles.js';
import { touchUser } from '../store/users.js';

/** Who gives and takes them. */
export const gateway = 'service:api-gateway';

/** Those that there are now, with what they give. One that nobody has made gives nothing, and somebody with no other is told so. */
export async function existingRoles(sql: Sql, mapped: readonly MappedRole[]): Promise<HeldRole[]> {
  const names = mapped.map(({ role }) => role);
  const found = await rolesNamed(sql, names, platformPath);
  return mapped.flatMap(({ scope }, index) => {
    const role = found[index];
    return role === undefined ? [] : [{ ...role, scope }];
  });
}

/** Warns of roles that something is mapped to and that there are not, such as misspelt ones. Nobody gets them until somebody has made them. */
export async function warnOfMissingRoles(sql: Sql, logger: Logger, mapped: readonly string[]): Promise<void> {
  const names = [...new Set(mapped)];
  const found = await rolesNamed(sql, names, platformPath);
  const missing = names.filter((_, index) => found[index] === undefined);
  if (missing.length > 0)
    logger.warn({ roles: missing }, 'an issuer’s groups are mapped to roles that there are not, and that give nothing');
}

/** True when a user holds what is mapped to them, and nothing that would have to be. */
export function isSettled(mapped: readonly MappedRole[], { held, given }: ExternalUser): boolean {
  return lackingIn(mapped, held).length === 0 && lackingIn(given, mapped).length === 0;
}

/** Gives a new user what is mapped to them; answers the events that tell of them. */
export async function bindNew(
  tx: Transaction,
  { userId, email, issuerId }: { userId: string; email: string; issuerId: string },
  mapped: readonly HeldRole[],
): Promise<NewEvent[]> {
  const bound = await change(tx, userId, [], mapped);
  const payload = { email, roles: platformRoles(mapped), issuer: issuerId };
  return [{ aggregateType: 'user', aggregateId: userId, expectedVersion: 0, type: 'user_created', payload }, ...bound];
}

/** Makes a user hold what is mapped to them now, and nothing that was before; answers the events that tell of it. */
export async function renewBound(
  tx: Transaction,
  { userId, held, given, disabled }: ExternalUser,
  mapped: readonly HeldRole[],
): Promise<NewEvent[]> {
  const [taken, added] = [lackingIn(given, mapped), lackingIn(mapped, held)];
  const bound = await change(tx, userId, taken, added);
  if (taken.length + added.length > 0) await touchUser(tx, { userId });
  const [before, after] = [platformRoles(held), platformRoles(mapped)];
  if (JSON.stringify(before) === JSON.stringify(after)) return bound;
  const payload = { before: { roles: before, disabled }, after: { roles: after, disabled } };
  return [{ aggregateType: 'user', aggregateId: userId, type: 'user_changed', payload }, ...bound];
}

/** Takes bindings and gives others; answers the events of those that the user's own events do not tell of. */
async function change(tx: Transaction, userId: string, taken: ExternalUser['given'], added: readonly MappedRole[]): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  const principal = `user:${userId}`;
  const note = (type: 'role_binding_created' | 'role_binding_deleted', bindingId: string, { role, scope }: MappedRole) => {
    if (scope === platformPath && isBuiltIn(role)) return;
    events.push({ aggregateType: 'role_binding', aggregateId: bindingId, type, payload: { principal, role, scope } });
  };
  for (const one of taken) {
    await deleteBinding(tx, one.bindingId);
    note('role_binding_deleted', one.bindingId, one);
  }
  for (const { role, scope } of added) {
    // One that an admin gave already stays theirs.
    const inserted = await insertBinding(tx, { bindingId: newId('roleBinding'), principal, role, scope, createdBy: gateway });
    if (inserted !== undefined) note('role_binding_created', inserted.bindingId, inserted);
  }
  return events;
}
