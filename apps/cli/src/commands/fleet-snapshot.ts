import type { Command } from 'commander';
import type { Run } from '../context.js';
import { durationMs } from '../options.js';
import { renderSnapshot } from '../view/lists.js';

/** `fairlead fleet snapshot` */
export function fleetSnapshot(parent: Command, run: Run): void {
  parent
    .command('snapshot')
    .description("show every endpoint's health and when it was asked")
    .option('--max-age <duration>', 'ask the endpoints anew when the last round is older, such as 1s', durationMs)
    .action((options: { maxAge?: number }, command: Command) =>
      run(command, async ({ api, print }) => {
        const snapshot = await api().snapshot(options.maxAge);
        print(snapshot, () => renderSnapshot(snapshot));
      }),
    );
}
