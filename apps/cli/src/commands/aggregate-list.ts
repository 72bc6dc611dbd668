import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderAggregates } from '../view/aggregate.js';
import { printPage } from '../view/page.js';

/** `fairlead aggregate list` */
export function aggregateList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list what the log has events of, what changed last first'))
    .option('--type <type>', 'only aggregates of this type, such as job')
    .option('--prefix <text>', 'only those whose id begins so')
    .action((options: PageOptions & { type?: string; prefix?: string }, command: Command) =>
      run(command, async (context) => {
        const { type, prefix } = options;
        printPage(context, await context.api().aggregates({ type, prefix }, options), renderAggregates);
      }),
    );
}
