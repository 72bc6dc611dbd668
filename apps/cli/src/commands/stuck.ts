import type { Command } from 'commander';
import type { Run } from '../context.js';
import { CliError } from '../exit.js';
import { renderStuck } from '../view/stuck.js';

/** `fairlead stuck` */
export function stuck(parent: Command, run: Run): void {
  parent
    .command('stuck')
    .description('tell what does not get on by itself, and what to do; the exit code is 1 when there is something')
    .action((_options: object, command: Command) =>
      run(command, async ({ api, print, terminal, json }) => {
        const found = await api().stuck();
        print(found, () => renderStuck(found.items));
        if (!json) for (const { what, why } of found.not_checked) terminal.err(`not looked at: ${what}: ${why ?? ''}\n`);
        if (found.items.length > 0) throw new CliError(`${found.items.length} things are stuck`);
        if (found.not_checked.length > 0) throw new CliError('not everything could be looked at');
      }),
    );
}
