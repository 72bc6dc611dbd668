import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderRoles } from '../view/access.js';
import { printPage } from '../view/page.js';

/** `fairlead role list` */
export function roleList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list roles by name, those of the product too')).action(
    (options: PageOptions, command: Command) =>
      run(command, async (context) => {
        printPage(context, await context.api().roles(options), renderRoles);
      }),
  );
}
