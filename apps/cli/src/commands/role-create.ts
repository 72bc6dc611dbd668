import { randomUUID } from 'node:crypto';
import type { Body } from '@fairlead/api-client';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { list } from '../options.js';
import { renderRole } from '../view/access.js';

interface CreateOptions {
  readonly description: string;
  /** The gateway says which there are. */
  readonly permission: Body<'roles.create'>['permissions'];
  readonly idempotencyKey?: string;
}

/** `fairlead role create` */
export function roleCreate(parent: Command, run: Run): void {
  parent
    .command('create <name>')
    .description('make a role of permissions that you have yourself')
    .requiredOption('--description <text>', 'what it is for')
    .requiredOption('--permission <permission>', 'what it gives, such as job.read (repeatable)', list)
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .action((name: string, { description, permission: permissions, idempotencyKey }: CreateOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const role = await api().createRole({ name, description, permissions }, idempotencyKey ?? randomUUID());
        print(role, () => renderRole(role));
      }),
    );
}
