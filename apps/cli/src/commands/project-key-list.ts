import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderKeys } from '../view/orgs.js';
import { printPage } from '../view/page.js';

/** `fairlead project key list` */
export function projectKeyList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list <org> <project>').description('list the keys of a project, also those that have ended')).action(
    (org: string, project: string, options: PageOptions, command: Command) =>
      run(command, async (context) => {
        printPage(context, await context.api().keys(org, project, options), renderKeys);
      }),
  );
}
