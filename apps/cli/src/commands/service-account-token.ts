import { randomUUID } from 'node:crypto';
import type { Body } from '@fairlead/api-client';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { list, positive } from '../options.js';
import { renderNewToken } from '../view/access.js';

interface TokenOptions {
  readonly role: Body<'serviceAccounts.createToken'>['roles'];
  readonly days?: number;
  readonly idempotencyKey?: string;
}

/** `fairlead service-account token` */
export function serviceAccountToken(parent: Command, run: Run): void {
  parent
    .command('token <id> <name>')
    .description('make an API token of a service account; it is shown this once; needs a login')
    .requiredOption(
      '--role <role>',
      'what it may do, as far as you and the account may (repeatable): viewer, operator, admin, or a role of your own',
      list,
    )
    .option('--days <n>', 'how long it is valid, 365 at most; 90 when left out', positive)
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .action((id: string, name: string, { role: roles, days, idempotencyKey }: TokenOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const created = await api().createTokenOf(id, { name, roles, expires_in_days: days }, idempotencyKey ?? randomUUID());
        print(created, () => renderNewToken(created));
      }),
    );
}
