import { Argument, type Command } from 'commander';
import { serviceKinds, type ServiceKind } from '@fairlead/contracts';
import { runChange } from '../change.js';
import type { Run } from '../context.js';
import { addChangeOptions, changeOptions, type ParsedChangeOptions } from '../options.js';

/** `fairlead fleet reload` */
export function fleetReload(parent: Command, run: Run): void {
  const command = parent
    .command('reload')
    .description('let the services of a shard read their configuration anew')
    .addArgument(new Argument('<kind>', 'the kind of service').choices(serviceKinds))
    .argument('<shard>', 'the shard');
  addChangeOptions(command)
    .addHelpText('after', '\nExample:\n  fairlead fleet reload runner runner-1 --reason "new limits" --wait\n')
    .action((kind: ServiceKind, shard: string, options: ParsedChangeOptions, self: Command) =>
      run(self, (context) =>
        runChange(context, 'reload', () => Promise.resolve({ kind, shard, reason: options.reason }), changeOptions(options)),
      ),
    );
}
