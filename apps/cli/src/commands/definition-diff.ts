import type { Command } from 'commander';
import type { Run } from '../context.js';
import { positive } from '../options.js';
import { renderDefinitionDiff } from '../view/definition.js';

/** `fairlead definition diff` */
export function definitionDiff(parent: Command, run: Run): void {
  parent
    .command('diff <name>')
    .description('show what two versions of a definition differ in')
    .argument('<from>', 'a version', positive)
    .argument('<to>', 'another version', positive)
    .action((name: string, from: number, to: number, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const difference = await api().diffDefinition(name, from, to);
        print(difference, () => renderDefinitionDiff(difference));
      }),
    );
}
