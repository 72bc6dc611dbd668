import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { positive } from '../options.js';
import { renderNewKey } from '../view/orgs.js';

interface CreateOptions {
  readonly role: string;
  readonly days?: number;
  readonly idempotencyKey?: string;
}

/** `fairlead project key create` */
export function projectKeyCreate(parent: Command, run: Run): void {
  parent
    .command('create <org> <project> <name>')
    .description('make a key with which a program acts as a project; it is shown this once; needs a login')
    .requiredOption('--role <role>', 'what it may do on the project, built in or your own; no more than you may')
    .option('--days <n>', 'how long it is valid, 365 at most; 90 when left out', positive)
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .action((org: string, project: string, name: string, { role, days, idempotencyKey }: CreateOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const created = await api().createKey(org, project, { name, role, expires_in_days: days }, idempotencyKey ?? randomUUID());
        print(created, () => renderNewKey(created));
      }),
    );
}
