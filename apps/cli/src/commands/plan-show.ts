import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderPlan } from '../view/plan.js';

/** `fairlead plan show` */
export function planShow(parent: Command, run: Run): void {
  parent
    .command('show <plan>')
    .description('show a plan by its id or digest: what it would do, its checks, who approved it')
    .action((id: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const plan = await api().plan(id);
        print(plan, () => renderPlan(plan));
      }),
    );
}
