import type { Command } from 'commander';
import { confirmed } from '../confirm.js';
import type { Run } from '../context.js';
import { CliError } from '../exit.js';
import { positive } from '../options.js';
import { renderDeadLetter } from '../view/dead-letter.js';

/** `fairlead dead-letter discard` */
export function deadLetterDiscard(parent: Command, run: Run): void {
  parent
    .command('discard')
    .argument('<sequence>', 'its number in the list', positive)
    .description('forget the message: it will never be handled')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('-y, --yes', 'do not ask for confirmation')
    .action((sequence: number, options: { reason: string; yes?: boolean }, command: Command) =>
      run(command, async ({ api, print, terminal }) => {
        if (terminal.interactive && options.yes !== true) terminal.err(renderDeadLetter(await api().deadLetter(sequence)));
        if (!(await confirmed(terminal, 'Forget this message?', options))) throw new CliError('not confirmed, nothing was discarded');
        const letter = await api().discardDeadLetter(sequence, options.reason);
        print(letter, () => `dead letter ${sequence} is discarded\n`);
      }),
    );
}
