import type { Command } from 'commander';
import type { Query } from '@fairlead/api-client';
import type { Run } from '../context.js';
import { renderPlacementExplanation } from '../view/balance.js';

/** `fairlead placement explain` */
export function placementExplain(parent: Command, run: Run): void {
  parent
    .command('explain <tenant> <kind>')
    .description('tell why a tenant is on its shard of a kind, and its moves')
    .action((tenant: string, kind: Query<'placement.explain'>['kind'], _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const told = await api().explainPlacement({ tenant, kind });
        print(told, () => renderPlacementExplanation(told));
      }),
    );
}
