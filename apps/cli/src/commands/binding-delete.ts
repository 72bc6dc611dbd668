import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead binding delete` */
export function bindingDelete(parent: Command, run: Run): void {
  parent
    .command('delete <id>')
    .description('take a role from who holds it')
    .action((id: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        await api().deleteBinding(id);
        print({}, () => `binding ${id} is deleted\n`);
      }),
    );
}
