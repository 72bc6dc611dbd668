import type { Command } from 'commander';
import type { Run } from '../context.js';
import { CliError } from '../exit.js';
import { renderHealth } from '../view/cluster.js';
import { printable } from '../view/text.js';

/** `fairlead cluster health` */
export function clusterHealth(parent: Command, run: Run): void {
  parent
    .command('health')
    .description('tell how the whole platform is, and why; the exit code is 1 unless it is healthy')
    .action((_options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const health = await api().clusterHealth();
        print(health, () => renderHealth(health));
        if (health.state !== 'healthy') throw new CliError(`the platform is ${printable(health.state)}`);
      }),
    );
}
