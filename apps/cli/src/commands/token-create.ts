import type { Command } from 'commander';
import type { Run } from '../context.js';
import { list, positive } from '../options.js';
import { fields } from '../view/table.js';

interface CreateOptions {
  readonly role: string[];
  readonly days?: number;
}

/** `fairlead token create` */
export function tokenCreate(parent: Command, run: Run): void {
  parent
    .command('create <name>')
    .description('make an API token for a program; it is shown this once; needs a login')
    .requiredOption('--role <role>', 'what it may do, as far as you may (repeatable): viewer, operator, admin', list)
    .option('--days <n>', 'how long it is valid, 365 at most; 90 when left out', positive)
    .addHelpText(
      'after',
      '\nExample:\n  fairlead token create ci --role operator --days 30 -o json | jq -r .token > ci-token\n  FAIRLEAD_TOKEN=$(cat ci-token) fairlead tenant list\n',
    )
    .action((name: string, { role, days }: CreateOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const created = await api().createToken({ name, roles: role, ...(days === undefined ? {} : { expires_in_days: days }) });
        print(created, () =>
          fields([
            ['token', created.token],
            ['id', created.token_id],
            ['roles', created.roles.join(', ')],
            ['expires', created.expires_at],
          ]),
        );
      }),
    );
}
