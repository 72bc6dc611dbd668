import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead projection pause` */
export function projectionPause(parent: Command, run: Run): void {
  parent
    .command('pause')
    .argument('<name>', 'such as audit_record')
    .description('have its workers stop; what it shows gets older until it is resumed')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action((name: string, { reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const projection = await api().pauseProjection(name, reason);
        print(projection, () => `projection ${name} is paused at ${projection.position}; go on with: fairlead projection resume ${name}\n`);
      }),
    );
}
