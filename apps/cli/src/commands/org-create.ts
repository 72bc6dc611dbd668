import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderOrg } from '../view/orgs.js';

/** `fairlead org create` */
export function orgCreate(parent: Command, run: Run): void {
  parent
    .command('create <name>')
    .description('make an org; its name stays, as scopes carry it: /orgs/<name>')
    .option('--display-name <text>', 'what people call it; the name when left out')
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .action((name: string, { displayName, idempotencyKey }: { displayName?: string; idempotencyKey?: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const org = await api().createOrg({ name, display_name: displayName ?? name }, idempotencyKey ?? randomUUID());
        print(org, () => renderOrg(org));
      }),
    );
}
