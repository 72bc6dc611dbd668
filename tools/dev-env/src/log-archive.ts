/** `npm run log:archive`: moves old, full partitions of the event log to another tablespace. */
import { parseArgs } from 'node:util';
import { ConfigError, loadConfig } from '@fairlead/config';
import { describeError } from '@fairlead/contracts';
import { archivePartitions } from '@fairlead/event-log';
import { configurationExitCode } from '@fairlead/service-runtime';
import { databaseAccessSchema } from './settings.js';

const usage = `npm run log:archive -- --tablespace NAME [--keep N]
Moves the full partitions of the event log to a tablespace, but for the N newest (2 when not given), one at a time. The
tablespace is made before, on the storage it is for: create tablespace cold location '/mnt/cold'.
Safe to interrupt and to repeat. Who reads a partition that is being moved waits; so does who looks for events without
saying at which positions (an aggregate's history, log verify). Appends, the relay, followers and statistics go on.
From the environment (each also as NAME_FILE, which names a file that holds the value):
  ADMIN_DATABASE_URL        postgres://<superuser>@<host>:<port>/postgres, without password
  ADMIN_DATABASE_PASSWORD   its password
  DATABASE_NAME             default fairlead`;

async function main(args: readonly string[]): Promise<number> {
  const options = {
    tablespace: { type: 'string' },
    keep: { type: 'string', default: '2' },
    help: { type: 'boolean', default: false },
  } as const;
  let given;
  try {
    given = parseArgs({ args: [...args], options }).values;
  } catch (error) {
    console.error(`${describeError(error)}\n\n${usage}`);
    return 1;
  }
  if (given.help) {
    console.log(usage);
    return 0;
  }
  if (given.tablespace === undefined || !/^\d{1,6}$/.test(given.keep)) {
    console.error(`A tablespace is expected, and a whole number of partitions to keep\n\n${usage}`);
    return 1;
  }
  const access = loadConfig(databaseAccessSchema, process.env);
  const moved = await archivePartitions(
    { adminUrl: access.ADMIN_DATABASE_URL, adminPassword: access.ADMIN_DATABASE_PASSWORD, database: access.DATABASE_NAME },
    {
      tablespace: given.tablespace,
      keep: Number(given.keep),
      onMoved: (partition) => {
        console.log(`Moved ${partition} to ${given.tablespace ?? ''}`);
      },
    },
  );
  if (moved.length === 0) console.log('There is no full partition to move');
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(describeError(error));
  process.exitCode = error instanceof ConfigError ? configurationExitCode : 1;
}
