import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderOrgs } from '../view/orgs.js';
import { printPage } from '../view/page.js';

/** `fairlead org list` */
export function orgList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list the orgs that you may read')).action((options: PageOptions, command: Command) =>
    run(command, async (context) => {
      printPage(context, await context.api().orgs(options), renderOrgs);
    }),
  );
}
