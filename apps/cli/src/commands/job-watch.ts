import type { Command } from 'commander';
import { failUnlessSucceeded } from '../change.js';
import type { Run } from '../context.js';
import { durationMs } from '../options.js';
import { tellTransitions, watchJob, type WatchOptions } from '../watch.js';

/** `fairlead job watch` */
export function jobWatch(parent: Command, run: Run): void {
  parent
    .command('watch <job>')
    .description('follow a job to its end; the exit code tells its outcome')
    .option('--timeout <duration>', 'give up watching after this time, such as 90s or 10m', durationMs, 3_600_000)
    .addHelpText('after', '\nWith -o json each event is one line of JSON.\n')
    .action((jobId: string, options: { timeout: number }, command: Command) =>
      run(command, async ({ api, terminal, json }) => {
        const onStart = json ? tellEvents(terminal.out) : tellTransitions(terminal.out);
        failUnlessSucceeded(await watchJob(api(), jobId, { timeoutMs: options.timeout, onStart }));
      }),
    );
}

function tellEvents(write: (text: string) => void): WatchOptions['onStart'] {
  return () => (event) => {
    write(`${JSON.stringify(event)}\n`);
  };
}
