import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderSchedules } from '../view/coordination.js';

/** `fairlead schedule list` */
export function scheduleList(parent: Command, run: Run): void {
  parent
    .command('list')
    .description('list schedules, when their next turn is, and what became of the last')
    .action((_options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const page = await api().schedules();
        print(page, () => renderSchedules(page.items));
      }),
    );
}
