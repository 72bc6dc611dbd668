import { Argument, type Command } from 'commander';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { runChange } from '../change.js';
import type { Run } from '../context.js';
import { addChangeOptions, changeOptions, positive, type ParsedChangeOptions } from '../options.js';

interface Options extends ParsedChangeOptions {
  readonly parallel?: number;
  readonly tolerance?: number;
  readonly stopAfterFailures?: number;
}

const help = `
The shard is cordoned, its tenants move, each by a migration of its own, and then it is removed from the directory. Until it is removed the job can
be paused, or cancelled: then the shard is open again, and who has moved stays where it is.
`;

/** `fairlead shard decommission` */
export function shardDecommission(parent: Command, run: Run): void {
  const command = parent
    .command('decommission')
    .description('take a shard out of service for good: its tenants go to the others')
    .addArgument(kindArgument())
    .argument('<shard>', 'the shard');
  withOptions(command)
    .addHelpText('after', `${help}\nExample:\n  fairlead shard decommission runner runner-2 --reason "the rack goes" --wait\n`)
    .action((kind: PlacedKind, shard: string, options: Options, self: Command) => decommission(run, self, { kind, shard }, options));
}

/** `fairlead shard replace` */
export function shardReplace(parent: Command, run: Run): void {
  const command = parent
    .command('replace')
    .description('the same, with all its tenants going to one other shard')
    .addArgument(kindArgument())
    .argument('<shard>', 'the shard')
    .argument('<to>', 'the shard that takes its place');
  withOptions(command)
    .addHelpText('after', `${help}\nExample:\n  fairlead shard replace runner runner-2 runner-7 --reason "new hosts" --wait\n`)
    .action((kind: PlacedKind, shard: string, to: string, options: Options, self: Command) =>
      decommission(run, self, { kind, shard, to }, options),
    );
}

const kindArgument = () => new Argument('<kind>', 'the kind of service').choices(placedKinds);

function withOptions(command: Command): Command {
  return addChangeOptions(
    command
      .option('--parallel <n>', 'how many are moved at the same time (default: as configured)', positive)
      .option('--tolerance <share>', 'how far over its share another shard may be (default: as configured)', Number)
      .option('--stop-after-failures <n>', 'begin no more once so many have failed (default 1)', positive),
  );
}

function decommission(run: Run, self: Command, what: { kind: PlacedKind; shard: string; to?: string }, options: Options): Promise<void> {
  const { parallel, tolerance, stopAfterFailures, reason } = options;
  const body = { ...what, parallel, tolerance, stop_after_failures: stopAfterFailures, reason };
  return run(self, (context) => runChange(context, 'shard-decommission', () => Promise.resolve(body), changeOptions(options)));
}
