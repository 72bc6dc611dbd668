import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead job unpause` */
export function jobUnpause(parent: Command, run: Run): void {
  parent
    .command('unpause <job>')
    .description('let a paused job go on')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action((jobId: string, { reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const job = await api().unpauseJob(jobId, reason);
        print(job, () => `job ${jobId} goes on; follow it with: fairlead job watch ${jobId}\n`);
      }),
    );
}
