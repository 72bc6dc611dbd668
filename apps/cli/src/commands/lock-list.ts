import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderLocks } from '../view/coordination.js';
import { printPage } from '../view/page.js';

/** `fairlead lock list` */
export function lockList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list what jobs have locked, and which jobs wait for it'))
    .option('--resource <resource>', 'only this one, such as tenant/acme')
    .action((options: PageOptions & { resource?: string }, command: Command) =>
      run(command, async (context) => {
        printPage(context, await context.api().locks({ resource: options.resource }, options), renderLocks);
      }),
    );
}
