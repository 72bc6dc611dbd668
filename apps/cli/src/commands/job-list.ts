import { Option, type Command } from 'commander';
import { jobStatuses, type JobStatus } from '@fairlead/contracts';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderJobs } from '../view/job.js';
import { printPage } from '../view/page.js';

interface ListOptions extends PageOptions {
  readonly status?: JobStatus;
  readonly kind?: string;
  readonly tenant?: string;
  readonly correlationId?: string;
  readonly parent?: string;
  readonly paused?: true;
}

/** `fairlead job list` */
export function jobList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list jobs, newest first'))
    .addOption(new Option('--status <status>', 'only jobs in this status').choices(jobStatuses))
    .option('--kind <kind>', 'only jobs of this kind, such as tenant-migrate')
    .option('--tenant <tenant>', 'only jobs on this tenant')
    .option('--correlation-id <id>', 'only jobs of this correlation id')
    .option('--parent <job>', 'only jobs that this job has asked for')
    .option('--paused', 'only jobs that are paused')
    .addHelpText('after', '\nExample:\n  fairlead job list --tenant acme --status running\n')
    .action((options: ListOptions, command: Command) =>
      run(command, async (context) => {
        const { status, kind, tenant, correlationId, parent, paused } = options;
        const filter = { status, kind, tenant, correlation_id: correlationId, parent, paused: paused && ('true' as const) };
        printPage(context, await context.api().jobs(filter, options), renderJobs);
      }),
    );
}
