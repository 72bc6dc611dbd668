import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderServiceAccounts } from '../view/access.js';
import { printPage } from '../view/page.js';

/** `fairlead service-account list` */
export function serviceAccountList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list service accounts')).action((options: PageOptions, command: Command) =>
    run(command, async (context) => {
      printPage(context, await context.api().serviceAccounts(options), renderServiceAccounts);
    }),
  );
}
