import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead schedule pause` */
export function schedulePause(parent: Command, run: Run): void {
  parent
    .command('pause <name>')
    .description('let no turn come until it is resumed')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action((name: string, { reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        await api().pauseSchedule(name, reason);
        print({}, () => `schedule ${name} is paused; go on with: fairlead schedule resume ${name} --reason …\n`);
      }),
    );
}
