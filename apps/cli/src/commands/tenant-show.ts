import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderTenant } from '../view/lists.js';

/** `fairlead tenant show` */
export function tenantShow(parent: Command, run: Run): void {
  parent
    .command('show <tenant>')
    .description('show one tenant and where it is')
    .action((tenantId: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const tenant = await api().tenant(tenantId);
        print(tenant, () => renderTenant(tenant));
      }),
    );
}
