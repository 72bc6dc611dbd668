import type { Command } from 'commander';
import type { Run } from '../context.js';
import { pointInTime } from '../options.js';
import { renderSealing } from '../view/segments.js';

interface SealOptions {
  readonly before?: string;
  readonly reason: string;
}

/** `fairlead audit seal` */
export function auditSeal(parent: Command, run: Run): void {
  parent
    .command('seal')
    .description('have whole segments of the trail sealed now; their records leave the trail for files, the log keeps its events')
    .option(
      '--before <time>',
      'what was recorded before this time: RFC 3339, or how long ago such as 30d; now when left out',
      pointInTime(() => new Date()),
    )
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action(({ before, reason }: SealOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const sealing = await api().sealTrail({ before, reason });
        print(sealing, () => renderSealing(sealing));
      }),
    );
}
