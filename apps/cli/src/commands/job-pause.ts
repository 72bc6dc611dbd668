import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead job pause` */
export function jobPause(parent: Command, run: Run): void {
  parent
    .command('pause <job>')
    .description('let a job begin nothing more until it is let go on; it keeps what it has locked')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action((jobId: string, { reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const job = await api().pauseJob(jobId, reason);
        const how = job.paused_at == null ? 'is asked to pause; what it does right now is seen through' : 'is paused';
        print(job, () => `job ${jobId} ${how}; go on with: fairlead job unpause ${jobId} --reason …\n`);
      }),
    );
}
