import type { Command } from 'commander';
import type { Api } from '../api.js';
import { runChange } from '../change.js';
import type { Context, Run } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { addChangeOptions, changeOptions, list, positive, type ParsedChangeOptions } from '../options.js';
import { kindOfShard, movesBody, parseTargets, type Targets } from '../targets.js';

interface MigrateOptions extends ParsedChangeOptions {
  readonly to: string;
  readonly kind?: string[];
  readonly parallel?: number;
  readonly stopAfterFailures?: number;
}

const examples = `
The plan is shown first: what would be done, the checks, the impact. A blocked check stops with exit code 5.

Examples:
  fairlead tenant migrate acme --to runner-2 --reason "make room" --dry-run
  fairlead tenant migrate acme --to runner-2 --reason "make room" --wait --yes
  fairlead tenant migrate acme --to aggregate=aggregate-2,runner=runner-2 --reason "new rack" --wait
  fairlead tenant migrate acme duff initech --to runner-2 --parallel 3 --reason "empty the rack" --wait

Several tenants are moved by one job, which asks for one for each of them: fairlead job list --parent <job>. When it is
stopped, those that have moved stay where they are.
`;

/** `fairlead tenant migrate` */
export function tenantMigrate(parent: Command, run: Run): void {
  const command = parent
    .command('migrate <tenants...>')
    .description('move tenants to other shards')
    .requiredOption('--to <shard | kind=shard,…>', 'where to')
    .option('--kind <kind>', 'the kind of the shard, when its name does not tell (repeatable)', list)
    .option('--parallel <n>', 'of several tenants, how many are moved at the same time (default 2)', positive)
    .option('--stop-after-failures <n>', 'of several tenants, begin no more once so many have failed (default 1)', positive);
  addChangeOptions(command)
    .addHelpText('after', examples)
    .action((tenants: string[], options: MigrateOptions, self: Command) => {
      return run(self, (context) => migrate(context, tenants, options));
    });
}

/** One tenant is moved by a job of its own, several by one that asks for those. */
function migrate(context: Context, tenants: string[], options: MigrateOptions): Promise<void> {
  const { parallel, stopAfterFailures, reason } = options;
  const targets = parseTargets(options.to, options.kind ?? []);
  const where = async (api: Api) => ({ ...movesBody(await movesOf(api, targets)), reason });
  const [tenant = '', ...more] = tenants;
  if (more.length > 0) {
    const many = { tenants, parallel, stop_after_failures: stopAfterFailures };
    return runChange(context, 'tenants-migrate', async (api) => ({ ...many, ...(await where(api)) }), changeOptions(options));
  }
  if (parallel !== undefined || stopAfterFailures !== undefined)
    throw new CliError('--parallel and --stop-after-failures go with several tenants', exitCodes.usage);
  return runChange(context, 'tenant-migrate', async (api) => ({ tenant, ...(await where(api)) }), changeOptions(options));
}

async function movesOf(api: Api, targets: Targets) {
  if ('moves' in targets) return targets.moves;
  return new Map([[kindOfShard(targets.shard, await api.shards()), targets.shard]]);
}
