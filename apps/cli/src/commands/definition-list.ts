import { Option, type Command } from 'commander';
import { definitionKinds, type DefinitionKind } from '@fairlead/contracts';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderDefinitions } from '../view/definition.js';
import { printPage } from '../view/page.js';

/** `fairlead definition list` */
export function definitionList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list definitions by name, each with its newest version'))
    .addOption(new Option('--kind <kind>', 'only these').choices(definitionKinds))
    .option('--name <beginning>', 'only names that begin with it')
    .action(({ kind, name, ...page }: PageOptions & { kind?: DefinitionKind; name?: string }, command: Command) =>
      run(command, async (context) => {
        printPage(context, await context.api().definitions({ kind, name }, page), renderDefinitions);
      }),
    );
}
