import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderJob } from '../view/job.js';

/** `fairlead job show` */
export function jobShow(parent: Command, run: Run): void {
  parent
    .command('show <job>')
    .description('show one job and its steps')
    .action((jobId: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const job = await api().job(jobId);
        print(job, () => renderJob(job));
      }),
    );
}
