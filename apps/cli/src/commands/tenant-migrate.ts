import type { Command } from 'commander';
import type { Api } from '../api.js';
import { runChange } from '../change.js';
import type { Run } from '../context.js';
import { addChangeOptions, changeOptions, list, type ParsedChangeOptions } from '../options.js';
import { kindOfShard, movesBody, parseTargets, type Targets } from '../targets.js';

interface MigrateOptions extends ParsedChangeOptions {
  readonly to: string;
  readonly kind?: string[];
}

const examples = `
The plan is shown first: what would be done, the checks, the impact. A blocked check stops with exit code 5.

Examples:
  fairlead tenant migrate acme --to runner-2 --reason "make room" --dry-run
  fairlead tenant migrate acme --to runner-2 --reason "make room" --wait --yes
  fairlead tenant migrate acme --to aggregate=aggregate-2,runner=runner-2 --reason "new rack" --wait
`;

/** `fairlead tenant migrate` */
export function tenantMigrate(parent: Command, run: Run): void {
  const command = parent
    .command('migrate <tenant>')
    .description('move a tenant to other shards')
    .requiredOption('--to <shard | kind=shard,…>', 'where to')
    .option('--kind <kind>', 'the kind of the shard, when its name does not tell (repeatable)', list);
  addChangeOptions(command)
    .addHelpText('after', examples)
    .action((tenant: string, options: MigrateOptions, self: Command) => {
      return run(self, (context) => {
        const targets = parseTargets(options.to, options.kind ?? []);
        return runChange(
          context,
          'tenant-migrate',
          async (api) => ({ tenant, ...movesBody(await movesOf(api, targets)) }),
          changeOptions(options),
        );
      });
    });
}

async function movesOf(api: Api, targets: Targets) {
  if ('moves' in targets) return targets.moves;
  return new Map([[kindOfShard(targets.shard, await api.shards()), targets.shard]]);
}
