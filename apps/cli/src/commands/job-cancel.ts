import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead job cancel` */
export function jobCancel(parent: Command, run: Run): void {
  parent
    .command('cancel <job>')
    .description('ask a job to stop and undo what it did')
    .option('--reason <text>', 'why')
    .action((jobId: string, options: { reason?: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const answer = await api().cancelJob(jobId, options.reason);
        print(answer, () => `job ${jobId} is asked to stop; follow it with: fairlead job watch ${jobId}\n`);
      }),
    );
}
