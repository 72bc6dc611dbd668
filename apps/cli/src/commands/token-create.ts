import { randomUUID } from 'node:crypto';
import type { Body } from '@fairlead/api-client';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { list, positive } from '../options.js';
import { scopeText } from '../view/scope.js';
import { fields } from '../view/table.js';

interface CreateOptions {
  /** The gateway says which there are. */
  readonly role: Body<'apiTokens.create'>['roles'];
  readonly days?: number;
  readonly tenant?: string[];
  readonly node?: string[];
  readonly idempotencyKey?: string;
}

/** `fairlead token create` */
export function tokenCreate(parent: Command, run: Run): void {
  parent
    .command('create <name>')
    .description('make an API token for a program; it is shown this once; needs a login')
    .requiredOption('--role <role>', 'what it may do, as far as you may (repeatable): viewer, operator, admin, or a role of your own', list)
    .option('--days <n>', 'how long it is valid, 365 at most; 90 when left out', positive)
    .option('--tenant <tenant>', 'keep it to the changes of this tenant (repeatable): it does nothing else', list)
    .option('--node <node>', 'keep it to the changes of this node (repeatable)', list)
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same token')
    .addHelpText(
      'after',
      '\nExample:\n  fairlead token create ci --role operator --days 30 -o json | jq -r .token > ci-token\n  FAIRLEAD_TOKEN=$(cat ci-token) fairlead tenant list\n  fairlead token create acme-agent --role viewer --tenant acme\n',
    )
    .action((name: string, { role, days, tenant, node, idempotencyKey }: CreateOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const scope = tenant === undefined && node === undefined ? undefined : { tenants: tenant, nodes: node };
        const body = { name, roles: role, expires_in_days: days, scope };
        const created = await api().createToken(body, idempotencyKey ?? randomUUID());
        print(created, () =>
          fields([
            ['token', created.token],
            ['id', created.token_id],
            ['roles', created.roles?.join(', ')],
            ...(created.scope == null ? [] : [['only', scopeText(created.scope)] as const]),
            ['expires', created.expires_at],
          ]),
        );
      }),
    );
}
