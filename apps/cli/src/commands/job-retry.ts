import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead job retry` */
export function jobRetry(parent: Command, run: Run): void {
  parent
    .command('retry <job>')
    .description('let a job that needs attention go on where it stopped')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action((jobId: string, options: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const answer = await api().retryJob(jobId, options.reason);
        print(answer, () => `job ${jobId} goes on; follow it with: fairlead job watch ${jobId}\n`);
      }),
    );
}
