import type { Command } from 'commander';
import type { Run } from '../context.js';
import { positive } from '../options.js';

/** `fairlead definition retire` */
export function definitionRetire(parent: Command, run: Run): void {
  parent
    .command('retire <name>')
    .description('let a version be given to nobody any more; refused while somebody has it')
    .argument('<version>', 'the version', positive)
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action((name: string, version: number, { reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const changed = await api().retireDefinition(name, version, reason);
        print(changed, () => `version ${String(version)} of ${name} is retired\n`);
      }),
    );
}
