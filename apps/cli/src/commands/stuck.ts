import type { Command } from 'commander';
import type { Run } from '../context.js';
import { CliError } from '../exit.js';
import { renderStuck } from '../view/stuck.js';

/** `fairlead stuck` */
export function stuck(parent: Command, run: Run): void {
  parent
    .command('stuck')
    .description(
      'tell what does not get on by itself, and what to do; the exit code is 1 when there is something, or not all could be looked at',
    )
    .action((_options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const found = await api().stuck();
        print(found, () => renderStuck(found));
        const unseen = found.not_checked.map(({ what }) => what).join(', ');
        if (unseen !== '') throw new CliError(`${counted(found.items.length)}, and not everything could be looked at: ${unseen}`);
        if (found.items.length > 0) throw new CliError(counted(found.items.length));
      }),
    );
}

function counted(things: number): string {
  if (things === 0) return 'nothing is known to be stuck';
  return things === 1 ? '1 thing is stuck' : `${things} things are stuck`;
}
