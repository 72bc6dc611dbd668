import type { Command } from 'commander';
import { runChange } from '../change.js';
import type { Run } from '../context.js';
import { addChangeOptions, changeOptions, positive, type ParsedChangeOptions } from '../options.js';

interface Options extends ParsedChangeOptions {
  readonly parallel?: number;
  readonly stopAfterFailures?: number;
}

const drainHelp = `
A node is all shards that have its name as their label node. Each is drained as by fairlead shard drain; when one can't be, or the job is cancelled, all of
them are as they were before.

Example:
  fairlead node drain host-3 --reason "a new kernel" --wait
`;

/** `fairlead node drain` */
export function nodeDrain(parent: Command, run: Run): void {
  const command = parent
    .command('drain')
    .description('stop all that the shards of a node serve, until it is resumed')
    .argument('<node>', 'the node')
    .option('--parallel <n>', 'how many tenants of a shard are drained at the same time (default 4)', positive)
    .option('--stop-after-failures <n>', 'begin no more of a shard once so many have failed, and take all back (default 1)', positive);
  addChangeOptions(command)
    .addHelpText('after', drainHelp)
    .action((node: string, { parallel, stopAfterFailures, ...options }: Options, self: Command) =>
      run(self, (context) => {
        const body = { node, parallel, stop_after_failures: stopAfterFailures, reason: options.reason };
        return runChange(context, 'node-drain', () => Promise.resolve(body), changeOptions(options));
      }),
    );
}

/** `fairlead node resume` */
export function nodeResume(parent: Command, run: Run): void {
  const command = parent
    .command('resume')
    .description('let the shards of a node serve their drained tenants again, and take new ones')
    .argument('<node>', 'the node')
    .option('--parallel <n>', 'how many tenants of a shard are resumed at the same time (default 4)', positive);
  addChangeOptions(command)
    .addHelpText('after', '\nExample:\n  fairlead node resume host-3 --reason "the host is back" --wait\n')
    .action((node: string, { parallel, ...options }: Options, self: Command) =>
      run(self, (context) => {
        const body = { node, parallel, reason: options.reason };
        return runChange(context, 'node-resume', () => Promise.resolve(body), changeOptions(options));
      }),
    );
}
