import type { Command } from 'commander';
import type { Query } from '@fairlead/api-client';
import type { Run } from '../context.js';
import { list } from '../options.js';
import { renderBalance } from '../view/balance.js';

/** `fairlead placement what-if` */
export function placementWhatIf(parent: Command, run: Run): void {
  parent
    .command('what-if <kind> <shard>')
    .description('show where the tenants of a shard would go if it died; changes nothing')
    .option('--unhealthy <shards>', 'other shards that are not to get tenants, repeatable or with commas', list)
    .action((kind: Query<'placement.whatIf'>['kind'], shard: string, { unhealthy }: { unhealthy?: readonly string[] }, command: Command) =>
      run(command, async ({ api, print }) => {
        const balance = await api().whatIf({ kind, shard, unhealthy: unhealthy?.join() });
        print(balance, () => renderBalance(balance, balance.stranded));
      }),
    );
}
