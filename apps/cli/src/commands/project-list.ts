import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderProjects } from '../view/orgs.js';
import { printPage } from '../view/page.js';

/** `fairlead project list` */
export function projectList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list <org>').description('list the projects of an org that you may read')).action(
    (org: string, options: PageOptions, command: Command) =>
      run(command, async (context) => {
        printPage(context, await context.api().projects(org, options), renderProjects);
      }),
  );
}
