import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { followChanges } from '../follow.js';
import { list, positive } from '../options.js';

interface TailOptions {
  readonly types?: readonly string[];
  readonly aggregate?: string;
  readonly tenant?: string;
  readonly cursor?: string;
  readonly count?: number;
}

/** `fairlead log tail` */
export function logTail(parent: Command, run: Run): void {
  parent
    .command('tail')
    .description('follow what happens, as far as you may read it; goes on over every break')
    .option('--types <types>', 'only these event types, such as job.*,tenant.tenant_created', list)
    .option('--aggregate <aggregate>', 'only one aggregate, or those of a type: job:job_…, job')
    .option('--tenant <tenant>', "only what is this tenant's business")
    .option('--cursor <cursor>', 'what came after this cursor too; 0 is the beginning')
    .option('--count <n>', 'end after so many', positive)
    .addHelpText('after', '\nWith -o json each event is one line of JSON, with the cursor to go on from.\n')
    .action((options: TailOptions, command: Command) => run(command, (context) => tail(context, options)));
}

function tail(context: Context, { cursor, count, ...query }: TailOptions): Promise<void> {
  const client = context.api();
  return followChanges(context, { open: (fields, signal) => client.openChanges(fields, signal), query, cursor, count });
}
