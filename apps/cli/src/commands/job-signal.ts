import type { Command } from 'commander';
import type { Run } from '../context.js';
import { jsonObject } from '../options.js';

/** `fairlead job signal` */
export function jobSignal(parent: Command, run: Run): void {
  parent
    .command('signal <job> <name>')
    .description('tell a job what one of its steps waits for')
    .option('--payload <json>', 'what to tell it, as a JSON object', jsonObject, {})
    .addHelpText('after', '\nThe same signal again changes nothing; another payload is refused.\n')
    .action((jobId: string, name: string, { payload }: { payload: Record<string, unknown> }, command: Command) =>
      run(command, async ({ api, print }) => {
        const job = await api().signalJob(jobId, name, payload);
        print(job, () => `job ${jobId} has the signal ${name}; follow it with: fairlead job watch ${jobId}\n`);
      }),
    );
}
