import type { Command } from 'commander';
import type { Run } from '../context.js';
import { positive } from '../options.js';
import { renderContent, renderDefinition } from '../view/definition.js';

/** `fairlead definition get` */
export function definitionGet(parent: Command, run: Run): void {
  parent
    .command('get <name>')
    .description('show a definition, its newest version when none is named')
    .argument('[version]', 'this version', positive)
    .option('--content', 'the content alone, as it can be put again')
    .action((name: string, version: number | undefined, { content }: { content?: boolean }, command: Command) =>
      run(command, async ({ api, print }) => {
        const found = await api().definition(name, version);
        if (content === true) print(found.content, () => renderContent(found));
        else print(found, () => renderDefinition(found));
      }),
    );
}
