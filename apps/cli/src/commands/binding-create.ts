import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderBinding } from '../view/access.js';

/** `fairlead binding create` */
export function bindingCreate(parent: Command, run: Run): void {
  parent
    .command('create <principal> <role> <scope>')
    .description('give somebody a role on / or on a tenant, as far as you may do there what it gives')
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .addHelpText('after', '\nExample:\n  fairlead binding create user:usr_… operator /tenants/acme\n')
    .action((principal: string, role: string, scope: string, { idempotencyKey }: { idempotencyKey?: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const binding = await api().createBinding({ principal, role, scope }, idempotencyKey ?? randomUUID());
        print(binding, () => renderBinding(binding));
      }),
    );
}
