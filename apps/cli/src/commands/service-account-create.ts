import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderServiceAccount } from '../view/access.js';

/** `fairlead service-account create` */
export function serviceAccountCreate(parent: Command, run: Run): void {
  parent
    .command('create <name>')
    .description('make an account for a program; it holds no role yet: fairlead binding create')
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .action((name: string, { idempotencyKey }: { idempotencyKey?: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const account = await api().createServiceAccount(name, idempotencyKey ?? randomUUID());
        print(account, () => renderServiceAccount(account));
      }),
    );
}
