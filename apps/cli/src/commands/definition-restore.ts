import type { Command } from 'commander';
import type { Run } from '../context.js';
import { positive } from '../options.js';

/** `fairlead definition restore` */
export function definitionRestore(parent: Command, run: Run): void {
  parent
    .command('restore <name>')
    .description('take the retirement of a version back')
    .argument('<version>', 'the version', positive)
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action((name: string, version: number, { reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const changed = await api().restoreDefinition(name, version, reason);
        print(
          changed,
          () =>
            `version ${String(version)} of ${name} ${changed.changed === false ? 'was not retired: nothing has changed' : 'is restored'}\n`,
        );
      }),
    );
}
