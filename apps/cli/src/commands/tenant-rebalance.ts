import { Option, type Command } from 'commander';
import type { Body } from '@fairlead/api-client';
import { runChange } from '../change.js';
import type { Run } from '../context.js';
import { addChangeOptions, changeOptions, positive, type ParsedChangeOptions } from '../options.js';

type Asked = Body<'plans.rebalance'>;
interface Options extends ParsedChangeOptions {
  readonly empty?: string;
  readonly replace?: string;
  readonly to?: string;
  readonly tolerance?: number;
  readonly maxMoves?: number;
  readonly cooldown?: number;
  readonly parallel?: number;
  readonly stopAfterFailures?: number;
}

const examples = `
The plan is shown first: who would move and why, the checks, the impact. One job does it, which asks for one for each tenant: fairlead
job list --parent <job>. When it is stopped, those that have moved stay where they are. fairlead placement rebalance looks only.

Examples:
  fairlead tenant rebalance runner --reason "even out" --dry-run
  fairlead tenant rebalance runner --empty runner-2 --reason "the rack goes" --wait --yes
  fairlead tenant rebalance aggregate --replace aggregate-1 --to aggregate-4 --parallel 4 --reason "new disks"
`;

/** `fairlead tenant rebalance` */
export function tenantRebalance(parent: Command, run: Run): void {
  const command = parent
    .command('rebalance <kind>')
    .description('move tenants so that no shard has much more than its share, or so that one is empty')
    .addOption(new Option('--empty <shard>', 'take all tenants off this shard').conflicts(['replace', 'to']))
    .option('--replace <shard>', 'take all tenants off this shard, to another one')
    .option('--to <shard>', 'the shard that takes its place')
    .option('--tolerance <share>', 'how far over its share a shard may be (default: as configured)', Number)
    .option('--max-moves <n>', 'at most so many tenants (default: as configured, or 500 to empty or replace)', positive)
    .option('--cooldown <seconds>', 'who has moved less than this ago stays (default: as configured)', Number)
    .option('--parallel <n>', 'how many are moved at the same time (default: as configured)', positive)
    .option('--stop-after-failures <n>', 'begin no more once so many have failed (default 1)', positive);
  addChangeOptions(command)
    .addHelpText('after', examples)
    .action((kind: Asked['kind'], options: Options, self: Command) =>
      run(self, (context) => runChange(context, 'rebalance', () => Promise.resolve(bodyOf(kind, options)), changeOptions(options))),
    );
}

function bodyOf(kind: Asked['kind'], options: Options): Asked {
  const { empty, replace, to, tolerance, maxMoves, cooldown, parallel, stopAfterFailures, reason } = options;
  const mode = empty !== undefined ? 'empty' : replace !== undefined || to !== undefined ? 'replace' : 'balance';
  return {
    ...{ kind, mode, shard: empty ?? replace, to, tolerance, max_moves: maxMoves },
    ...{ cooldown_seconds: cooldown, parallel, stop_after_failures: stopAfterFailures, reason },
  };
}
