import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead projection resume` */
export function projectionResume(parent: Command, run: Run): void {
  parent
    .command('resume')
    .argument('<name>', 'such as audit_record')
    .description('let a paused projection go on')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action((name: string, { reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const projection = await api().resumeProjection(name, reason);
        print(projection, () => `projection ${name} goes on behind ${projection.position}, ${projection.lag} events to go\n`);
      }),
    );
}
