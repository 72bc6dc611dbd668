import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead schedule delete` */
export function scheduleDelete(parent: Command, run: Run): void {
  parent
    .command('delete <name>')
    .description('remove a schedule; jobs that it has started go on')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action((name: string, { reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        await api().deleteSchedule(name, reason);
        print({}, () => `schedule ${name} is deleted\n`);
      }),
    );
}
