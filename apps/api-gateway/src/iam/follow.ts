import type { Principal } from '@fairlead/auth';
import type { Database } from '@fairlead/postgres';
import { changeUser } from '../identity/users.js';
import { findExternalUser } from '../store/external-identities.js';

/** Disables or enables here whom the external IAM has: their tokens, which nobody can call back, are refused from the next request on. */
export async function followDisabled(
  database: Database,
  caller: Principal,
  person: { issuer: string; subject: string },
  disabled: boolean | undefined,
): Promise<void> {
  const userId = disabled === undefined ? undefined : await findExternalUser(database, person);
  if (userId !== undefined) await changeUser(database, caller, userId, { disabled });
}
