import type { Command } from 'commander';
import type { Run } from '../context.js';
import { table } from '../view/table.js';

/** `fairlead signing-key list` */
export function signingKeyList(parent: Command, run: Run): void {
  parent
    .command('list')
    .description('list the keys that access tokens are signed with, newest first')
    .action((_options: unknown, command: Command) =>
      run(command, async ({ api, print }) => {
        const page = await api().signingKeys();
        print(page, () =>
          table(
            ['key', 'state', 'published', 'signs from', 'trusted until'],
            page.items.map((key) => [key.kid, key.state, key.published_at, key.signs_from, key.trusted_until]),
          ),
        );
      }),
    );
}
