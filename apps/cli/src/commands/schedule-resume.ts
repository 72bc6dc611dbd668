import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead schedule resume` */
export function scheduleResume(parent: Command, run: Run): void {
  parent
    .command('resume <name>')
    .description('go on with the next turn from now')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action((name: string, { reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        await api().resumeSchedule(name, reason);
        print({}, () => `schedule ${name} is resumed\n`);
      }),
    );
}
