import type { Command } from 'commander';
import type { Run } from '../context.js';
import { fields } from '../view/table.js';

/** `fairlead whoami` */
export function whoami(parent: Command, run: Run): void {
  parent
    .command('whoami')
    .description('show who is logged in, as the gateway sees it')
    .action((_options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const me = await api().me();
        print(me, () =>
          fields([
            ['principal', me.principal],
            ...(me.via == null ? [] : [['via', me.via] as const]),
            ['e-mail', me.email],
            ['roles', me.roles?.join(', ')],
          ]),
        );
      }),
    );
}
