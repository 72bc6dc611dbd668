import type { Command } from 'commander';
import type { Body } from '@fairlead/api-client';
import type { Run } from '../context.js';
import { fields } from '../view/table.js';

/** The gateway says which there are. */
type Permission = Body<'roles.create'>['permissions'][number];

/** `fairlead explain` */
export function explain(parent: Command, run: Run): void {
  parent
    .command('explain <principal> <permission> [scope]')
    .description('tell whether somebody may do something somewhere, and why; scope is / when left out')
    .addHelpText('after', '\nExample:\n  fairlead explain user:usr_… job.cancel /tenants/acme\n')
    .action((principal: string, permission: Permission, scope: string | undefined, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const told = await api().explain({ principal, permission, scope });
        print(told, () =>
          fields([
            ['allowed', told.allowed ? 'yes' : told.disabled === true ? 'no: disabled' : 'no'],
            ...(told.by ?? []).map((held) => ['by', `${held.role} on ${held.scope} (${held.binding_id})`] as const),
            ...(told.would == null ? [] : [['would', `${orOf(told.would.roles)} on ${orOf(told.would.scopes)}`] as const]),
          ]),
        );
      }),
    );
}

function orOf(names: readonly string[] | null | undefined): string {
  return names == null || names.length === 0 ? 'nothing that there is' : names.join(' or ');
}
