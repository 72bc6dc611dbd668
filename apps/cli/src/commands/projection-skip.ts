import type { Command } from 'commander';
import { confirmed } from '../confirm.js';
import type { Run } from '../context.js';
import { CliError } from '../exit.js';
import { position, positive } from '../options.js';
import { renderEvent } from '../view/log.js';

interface SkipOptions {
  readonly position: number;
  readonly epoch?: number;
  readonly reason: string;
  readonly yes?: boolean;
}

/** `fairlead projection skip` */
export function projectionSkip(parent: Command, run: Run): void {
  parent
    .command('skip')
    .argument('<name>', 'such as audit_record')
    .description('let the one event pass that a projection is stopped at: it will never show there')
    .requiredOption('--position <position>', 'where it is stopped', position)
    .option('--epoch <epoch>', 'of this epoch, when several are stopped there', positive)
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('-y, --yes', 'do not ask for confirmation')
    .action((name: string, options: SkipOptions, command: Command) =>
      run(command, async ({ api, print, terminal }) => {
        const client = api();
        const { position: at, epoch, reason } = options;
        if (terminal.interactive && options.yes !== true) terminal.err(renderEvent(await client.logEvent(at)));
        if (!(await confirmed(terminal, `Let ${name} pass over this event?`, options))) {
          throw new CliError('not confirmed, nothing was skipped');
        }
        const projection = await client.skipEvent(name, { position: at, epoch, reason });
        print(projection, () => `projection ${name} passes over position ${at}\n`);
      }),
    );
}
