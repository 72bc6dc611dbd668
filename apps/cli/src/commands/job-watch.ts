import type { Command } from 'commander';
import { failUnlessSucceeded } from '../change.js';
import type { Run } from '../context.js';
import { watchTimeout } from '../options.js';
import { tellTransitions, watchJob, type WatchOptions } from '../watch.js';

/** `fairlead job watch` */
export function jobWatch(parent: Command, run: Run): void {
  parent
    .command('watch <job>')
    .description('follow a job to its end; the exit code tells its outcome')
    .addOption(watchTimeout())
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
