import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { controlPlaneServices } from '@fairlead/contracts';
import { ownScript, root } from './paths.js';
import { databaseName, withSettings, type StackSettings } from './services.js';
import { passwordVariable } from './settings.js';

const timeoutMs = 120_000;

/** Brings the database to what the services need, by the same script as `npm run db:init` and `db:migrate`. */
export async function startDatabase(given: {
  settings: StackSettings;
  adminPasswordFile: string;
  signal: AbortSignal;
  log: (line: string) => void;
}): Promise<void> {
  const { settings, signal } = given;
  const env = withSettings(process.env, {
    ADMIN_DATABASE_URL: `postgres://postgres@${settings.postgres}/postgres`,
    ADMIN_DATABASE_PASSWORD_FILE: given.adminPasswordFile,
    DATABASE_NAME: databaseName,
    ...Object.fromEntries(
      controlPlaneServices.map((service) => [`${passwordVariable(service)}_FILE`, settings.secrets.databasePasswords[service]]),
    ),
  });
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [ownScript('db.js'), 'init', 'migrate'], {
      cwd: root,
      env,
      signal,
      timeout: timeoutMs,
    });
    const applied = stdout.split('\n').filter((line) => line.startsWith('Applied ')).length;
    given.log(applied === 0 ? 'The database is up to date' : `The database is ready: ${String(applied)} migrations applied`);
  } catch (error) {
    signal.throwIfAborted();
    const said = (error as { stderr?: string }).stderr?.trim() ?? '';
    throw new Error(`The database could not be prepared${said === '' ? '' : `:\n${said}`}`, { cause: error });
  }
}
