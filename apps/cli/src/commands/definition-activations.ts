import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderActivations } from '../view/definition.js';
import { printPage } from '../view/page.js';

/** `fairlead definition activations` */
export function definitionActivations(parent: Command, run: Run): void {
  addPageOptions(parent.command('activations <name>').description('list who is given which version of a definition')).action(
    (name: string, page: PageOptions, command: Command) =>
      run(command, async (context) => {
        printPage(context, await context.api().definitionActivations(name, page), renderActivations);
      }),
  );
}
