import { Argument, type Command } from 'commander';
import { serviceKinds, type ServiceKind } from '@fairlead/contracts';
import { runChange } from '../change.js';
import type { Run } from '../context.js';
import { addChangeOptions, changeOptions, positive, type ParsedChangeOptions } from '../options.js';

interface Options extends ParsedChangeOptions {
  readonly parallel?: number;
  readonly stopAfterFailures?: number;
}

const drainHelp = `
The shard is cordoned, and its tenants are drained where they are, each by a job of its own: nobody moves. Cancelled, or stopped by failures, the job
lets those that it has drained be served again, and opens the shard unless it was cordoned before.

Example:
  fairlead shard drain runner runner-2 --reason "a new kernel" --wait
`;

/** `fairlead shard drain` */
export function shardDrain(parent: Command, run: Run): void {
  const command = parent
    .command('drain')
    .description("stop a shard's tenants where they are, until it is resumed")
    .addArgument(kindArgument())
    .argument('<shard>', 'the shard')
    .option('--parallel <n>', 'how many tenants are drained at the same time (default 4)', positive)
    .option('--stop-after-failures <n>', 'begin no more once so many have failed, and take all back (default 1)', positive);
  addChangeOptions(command)
    .addHelpText('after', drainHelp)
    .action((kind: ServiceKind, shard: string, { parallel, stopAfterFailures, ...options }: Options, self: Command) =>
      run(self, (context) => {
        const body = { kind, shard, parallel, stop_after_failures: stopAfterFailures, reason: options.reason };
        return runChange(context, 'shard-drain', () => Promise.resolve(body), changeOptions(options));
      }),
    );
}

/** `fairlead shard resume` */
export function shardResume(parent: Command, run: Run): void {
  const command = parent
    .command('resume')
    .description('let a shard serve its drained tenants again, and take new ones')
    .addArgument(kindArgument())
    .argument('<shard>', 'the shard')
    .option('--parallel <n>', 'how many tenants are resumed at the same time (default 4)', positive);
  addChangeOptions(command)
    .addHelpText('after', '\nExample:\n  fairlead shard resume runner runner-2 --reason "the host is back" --wait\n')
    .action((kind: ServiceKind, shard: string, { parallel, ...options }: Options, self: Command) =>
      run(self, (context) => {
        const body = { kind, shard, parallel, reason: options.reason };
        return runChange(context, 'shard-resume', () => Promise.resolve(body), changeOptions(options));
      }),
    );
}

const kindArgument = () => new Argument('<kind>', 'the kind of service').choices(serviceKinds);
