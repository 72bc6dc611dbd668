import type { Command } from 'commander';
import type { Body } from '@fairlead/api-client';
import type { Run } from '../context.js';
import { list } from '../options.js';
import { renderTenantBalance } from '../view/balance.js';

interface Options {
  readonly load?: number;
  readonly pin?: readonly string[];
  readonly unpin?: boolean;
  readonly group?: string | false;
}
type Said = Body<'placement.putTenant'>;

/** `fairlead placement tenant` */
export function placementTenant(parent: Command, run: Run): void {
  parent
    .command('tenant <tenant>')
    .description('show what balancing heeds of a tenant, or say it; what no option names stays')
    .option('--load <load>', 'its share of work, in any unit', Number)
    .option('--pin <kinds>', 'the kinds it does not move of, repeatable or with commas', list)
    .option('--unpin', 'it may move of every kind')
    .option('--group <name>', 'tenants of one group are kept on different shards')
    .option('--no-group', 'it is of no group')
    .action((tenant: string, { load, pin, unpin, group }: Options, command: Command) =>
      run(command, async ({ api, print }) => {
        const now = await api().tenantBalance(tenant);
        const asked = load !== undefined || pin !== undefined || unpin === true || group !== undefined;
        const wanted = {
          load: load ?? now.load,
          pinned: (unpin === true ? [] : (pin ?? now.pinned ?? [])) as Said['pinned'],
          anti_affinity: group === undefined ? (now.anti_affinity ?? null) : group === false ? null : group,
        };
        // From what was read: somebody else's change is not undone.
        const from = now.revision == null || now.revision === 0 ? '*' : `"${now.revision}"`;
        const balance = asked ? await api().putTenantBalance(tenant, wanted, from) : now;
        print(balance, () => renderTenantBalance(balance));
      }),
    );
}
