import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderVersions } from '../view/definition.js';
import { printPage } from '../view/page.js';

/** `fairlead definition versions` */
export function definitionVersions(parent: Command, run: Run): void {
  addPageOptions(parent.command('versions <name>').description('list the versions of a definition, the newest first')).action(
    (name: string, page: PageOptions, command: Command) =>
      run(command, async (context) => {
        printPage(context, await context.api().definitionVersions(name, page), renderVersions);
      }),
  );
}
