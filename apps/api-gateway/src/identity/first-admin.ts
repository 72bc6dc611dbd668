import { randomBytes } from 'node:crypto';
import { describeError, newId } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import type { ReadinessCheck } from '@fairlead/service-runtime';
import { newContext, runInContext, type Logger } from '@fairlead/telemetry';
import { anyInitialPassword, anyUser, insertUser, lockUsers } from '../store/users.js';
import { removeFirstAdminFile, writeFirstAdminFile } from './first-admin-file.js';
import { giveRoles } from './given-roles.js';
import type { Passwords } from './passwords.js';

export interface FirstAdminDeps {
  readonly database: Database;
  readonly passwords: Passwords;
  readonly logger: Logger;
  readonly file: string | undefined;
  readonly email: string;
}

const retryDelayMs = 1_000;

/** The first admin is made, or on the way; without one nobody could log in, so the service is not ready before. */
export interface FirstAdmin {
  readonly check: ReadinessCheck;
  stop(): void;
}

/** Sees to the first admin: now, or, while the migrations are pending or the database is away, as soon as it can be. */
export async function keepFirstAdmin(deps: FirstAdminDeps): Promise<FirstAdmin> {
  let settled = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const attempt = async (): Promise<void> => {
    try {
      await ensureFirstAdmin(deps);
      settled = true;
    } catch (error) {
      deps.logger.warn({ reason: describeError(error) }, 'the first admin could not be seen to yet');
      if (!stopped) timer = setTimeout(() => void attempt(), retryDelayMs);
    }
  };
  await attempt();
  return {
    check: { name: 'first_admin', required: true, check: () => Promise.resolve(settled ? undefined : 'not made yet') },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/**
 * Makes the first admin when there is no user yet, with a random password that only the file tells.
 *
 * The file is written before the row is committed, both under a lock on the table: a crash between the two leaves
 * a file nobody can log in with, and the next start writes a new one; the other way round would leave an admin
 * whose password nobody knows. Of two gateways that start at once, the second waits for the lock and finds a user.
 * A file that outlived its password (a crash after the change) is removed here.
 */
export async function ensureFirstAdmin(deps: FirstAdminDeps): Promise<void> {
  const { database, file } = deps;
  if (!(await anyUser(database))) {
    if (file === undefined) {
      deps.logger.warn('there is no user, and FIRST_ADMIN_FILE does not say where to write the first login');
      return;
    }
    await runInContext(newContext({ principal: 'service:api-gateway' }), () => createFirstAdmin(deps, file));
  }
  if (!(await anyInitialPassword(database))) await removeFirstAdminFile(file);
}

async function createFirstAdmin({ database, passwords, logger, email }: FirstAdminDeps, file: string): Promise<void> {
  const password = randomBytes(18).toString('base64url');
  const passwordHash = await passwords.hash(password);
  const created = await database.transaction(async (tx) => {
    await lockUsers(tx);
    if (await anyUser(tx)) return false;
    await writeFirstAdminFile(file, { email, password });
    const userId = newId('user');
    await insertUser(tx, { userId, email, passwordHash, passwordIsInitial: true });
    await giveRoles(tx, { userId, roles: ['admin'], by: 'service:api-gateway' });
    await appendInTransaction(tx, {
      events: [
        {
          aggregateType: 'user',
          aggregateId: userId,
          expectedVersion: 0,
          type: 'user_created',
          payload: { email, roles: ['admin'] },
          meta: { reason: 'first start' },
        },
      ],
    });
    return true;
  });
  if (created) logger.info({ file }, 'the first admin was made; the file tells the login');
}
