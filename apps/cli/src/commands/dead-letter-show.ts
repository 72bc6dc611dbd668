import type { Command } from 'commander';
import type { Run } from '../context.js';
import { positive } from '../options.js';
import { renderDeadLetter } from '../view/dead-letter.js';

/** `fairlead dead-letter show` */
export function deadLetterShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .argument('<sequence>', 'its number in the list', positive)
    .description('show one dead letter with its payload')
    .action((sequence: number, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const letter = await api().deadLetter(sequence);
        print(letter, () => renderDeadLetter(letter));
      }),
    );
}
