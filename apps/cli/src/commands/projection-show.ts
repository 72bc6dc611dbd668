import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderProjection } from '../view/projection.js';

/** `fairlead projection show` */
export function projectionShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .argument('<name>', 'such as audit_record')
    .description('show one projection with its epochs, and why it is stopped')
    .action((name: string, _options: object, command: Command) =>
      run(command, async ({ api, print, terminal }) => {
        const projection = await api().projection(name);
        print(projection, () => renderProjection(projection, terminal.now()));
      }),
    );
}
