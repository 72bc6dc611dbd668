import type { Command } from 'commander';
import type { Run } from '../context.js';
import { positive } from '../options.js';

/** `fairlead dead-letter replay` */
export function deadLetterReplay(parent: Command, run: Run): void {
  parent
    .command('replay')
    .argument('<sequence>', 'its number in the list', positive)
    .description('hand the message once more to the consumer that gave up on it')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .addHelpText('after', '\nExample:\n  fairlead dead-letter replay 17 --reason "the shard is back"\n')
    .action((sequence: number, { reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const letter = await api().replayDeadLetter(sequence, reason);
        print(letter, () => `dead letter ${sequence} is handed to ${letter.consumer ?? '-'} again; it comes back if it fails again\n`);
      }),
    );
}
