import type { Body } from '@fairlead/api-client';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { ifMatchOf, list, revisionOption } from '../options.js';
import { renderRole } from '../view/access.js';

interface ChangeOptions {
  readonly description?: string;
  readonly permission?: Body<'roles.create'>['permissions'];
  readonly revision?: number;
}

/** `fairlead role change` */
export function roleChange(parent: Command, run: Run): void {
  parent
    .command('change <name>')
    .description('change what a role gives to all who hold it')
    .option('--description <text>', 'what it is for')
    .option('--permission <permission>', 'all that it gives from now on (repeatable)', list)
    .addOption(revisionOption())
    .action((name: string, { description, permission: permissions, ...options }: ChangeOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const role = await api().changeRole(name, { description, permissions }, ifMatchOf(options));
        print(role, () => renderRole(role));
      }),
    );
}
