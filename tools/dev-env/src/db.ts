/** `npm run db:init`, `db:migrate` and `db:restored`: prepares a database for Fairlead, also one that is not local. */
import { ConfigError, loadConfig } from '@fairlead/config';
import { controlPlaneServices, describeError, type ControlPlaneService } from '@fairlead/contracts';
import { beginIncarnation, installEventLog } from '@fairlead/event-log';
import { afterRestoreSql } from '@fairlead/placement';
import { adminClient, grantDataAccess, prepareDatabase, runMigrations } from '@fairlead/postgres';
import { configurationExitCode } from '@fairlead/service-runtime';
import { migrationsOf } from './migrations.js';
import { databaseAccessSchema, databasePasswordsSchema, passwordVariable } from './settings.js';

const usage = `npm run db:init       makes roles, database, schemas and the event log where they are missing, sets the roles' passwords
npm run db:migrate    applies the services' migrations that the database has not got, and says what the data browser may read
npm run db:restored   begins a new incarnation of the event log, after a backup was restored: before services run again
                      once they have written to it: npm run db:restored -- --after <position>, the last one that the backup held
The first two are safe to repeat. From the environment (each also as NAME_FILE, which names a file that holds the value):
  ADMIN_DATABASE_URL        postgres://<superuser>@<host>:<port>/postgres, without password
  ADMIN_DATABASE_PASSWORD   its password
  DATABASE_NAME             default fairlead
and for db:init, the passwords of the services' roles:
${controlPlaneServices.map((service) => `  ${passwordVariable(service)}`).join('\n')}`;

type Access = { adminUrl: string; adminPassword: string; database: string; after?: number };

const commands: Record<string, (access: Access) => Promise<void>> = {
  init: async (access) => {
    const given = loadConfig(databasePasswordsSchema, process.env);
    const passwords = Object.fromEntries(controlPlaneServices.map((service) => [service, given[passwordVariable(service)] ?? '']));
    await prepareDatabase({ ...access, passwords: passwords as Record<ControlPlaneService, string> });
    await installEventLog(access);
    console.log(`Database ${access.database}: roles, schemas and event log are in place`);
  },
  migrate: async (access) => {
    for (const service of controlPlaneServices) {
      const applied = await runMigrations({ ...access, service, migrations: migrationsOf[service] });
      for (const name of applied) console.log(`Applied ${service}: ${name}`);
    }
    // Last: a column that a migration makes can be given only now.
    await grantDataAccess(access);
    console.log(`Database ${access.database}: migrations are applied`);
  },
  restored: async (access) => {
    const { incarnation, after } = await beginIncarnation(access);
    console.log(
      `Database ${access.database}: the event log is in incarnation ${incarnation}, the same as before up to position ${String(after)}`,
    );
    await outbidGateways(access);
  },
};

/** Has placement begin an epoch above any that gateways may have seen since the backup. */
async function outbidGateways(access: Access): Promise<void> {
  const client = await adminClient(access);
  try {
    const { rows } = await client.query<{ there: boolean }>(`select to_regclass('placement.publication') is not null as there`);
    if (rows[0]?.there !== true) return;
    await client.query(afterRestoreSql);
    console.log(`Database ${access.database}: placement will be published in a new epoch`);
  } finally {
    await client.end();
  }
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(usage);
    return 0;
  }
  const { after, names } = readAfter(args);
  const wanted = names.map((name) => commands[name]).filter((command) => command !== undefined);
  if (
    after !== undefined &&
    (names.join(' ') !== 'restored' || !/^(0|[1-9]\d{0,15})$/.test(after) || !Number.isSafeInteger(Number(after)))
  ) {
    console.error(`--after goes with restored, and is a position of the log, a whole number from 0 on, not "${after}"\n\n${usage}`);
    return 1;
  }
  if (wanted.length === 0 || wanted.length !== names.length) {
    console.error(`One of init, migrate and restored is expected, not "${args.join(' ')}"\n\n${usage}`);
    return 1;
  }
  const given = loadConfig(databaseAccessSchema, process.env);
  const access = { adminUrl: given.ADMIN_DATABASE_URL, adminPassword: given.ADMIN_DATABASE_PASSWORD, database: given.DATABASE_NAME };
  for (const command of wanted) await command(after === undefined ? access : { ...access, after: Number(after) });
  return 0;
}

/** Takes `--after <position>` or `--after=<position>` out of the arguments; empty when the position is missing. */
function readAfter(args: readonly string[]): { after?: string; names: readonly string[] } {
  const at = args.findIndex((arg) => arg === '--after' || arg.startsWith('--after='));
  const option = args[at];
  if (option === undefined) return { names: args };
  const inOne = option.includes('=');
  const after = inOne ? option.slice('--after='.length) : (args[at + 1] ?? '');
  return { after, names: [...args.slice(0, at), ...args.slice(at + (inOne ? 1 : 2))] };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(describeError(error));
  process.exitCode = error instanceof ConfigError ? configurationExitCode : 1;
}
