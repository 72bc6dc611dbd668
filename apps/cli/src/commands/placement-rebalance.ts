import { Option, type Command } from 'commander';
import type { Query } from '@fairlead/api-client';
import type { Run } from '../context.js';
import { list, positive } from '../options.js';
import { renderBalance } from '../view/balance.js';

type Asked = Query<'placement.rebalance'>;
interface Options extends Omit<Asked, 'kind' | 'move_budget' | 'cooldown_seconds' | 'unhealthy'> {
  readonly cooldown?: number;
  readonly moves?: number;
  readonly unhealthy?: readonly string[];
}

/** `fairlead placement rebalance` */
export function placementRebalance(parent: Command, run: Run): void {
  parent
    .command('rebalance <kind>')
    .description('show which tenants would move so that no shard has much more than its share; changes nothing')
    .addOption(new Option('--mode <mode>', 'what is wanted').choices(['balance', 'empty', 'replace']))
    .option('--shard <shard>', 'the shard to be emptied or replaced')
    .option('--to <shard>', 'the shard that takes its place')
    .option('--tolerance <share>', 'how far over its share a shard may be, such as 0.05', Number)
    .option('--moves <count>', 'at most so many moves', positive)
    .option('--cooldown <seconds>', 'who has moved less than this ago stays', Number)
    .option('--unhealthy <shards>', 'shards that are not to get tenants, repeatable or with commas', list)
    .action((kind: Asked['kind'], { moves, cooldown, unhealthy, ...options }: Options, command: Command) =>
      run(command, async ({ api, print }) => {
        const balance = await api().rebalance({
          kind,
          ...options,
          move_budget: moves,
          cooldown_seconds: cooldown,
          unhealthy: unhealthy?.join(),
        });
        print(balance, () => renderBalance(balance));
      }),
    );
}
