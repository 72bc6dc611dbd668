import type { Command } from 'commander';
import type { Run } from '../context.js';
import { followChanges } from '../follow.js';
import { positive } from '../options.js';

/** `fairlead fleet watch` */
export function fleetWatch(parent: Command, run: Run): void {
  parent
    .command('watch')
    .description("follow the changes of endpoints' health and condition; goes on over every break")
    .option('--cursor <cursor>', 'what came after this cursor too; 0 is the beginning')
    .option('--count <n>', 'end after so many', positive)
    .addHelpText('after', '\nWith -o json each change is one line of JSON, with the cursor to go on from.\n')
    .action((options: { cursor?: string; count?: number }, command: Command) =>
      run(command, (context) => {
        const client = context.api();
        return followChanges(context, { open: ({ cursor }, signal) => client.openFleetEvents({ cursor }, signal), ...options });
      }),
    );
}
