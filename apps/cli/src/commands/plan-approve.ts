import type { Command } from 'commander';
import { confirmed } from '../confirm.js';
import type { Run } from '../context.js';
import { CliError } from '../exit.js';
import { renderPlan } from '../view/plan.js';

/** `fairlead plan approve` */
export function planApprove(parent: Command, run: Run): void {
  parent
    .command('approve <plan>')
    .description("give a second person's word for a plan that somebody else has made")
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('-y, --yes', 'do not ask for confirmation')
    .action((id: string, options: { reason: string; yes?: boolean }, command: Command) =>
      run(command, async ({ api, print, terminal }) => {
        const client = api();
        // A digest may come to mean a newer plan: what was seen is what is approved.
        const shown = await client.plan(id);
        if (terminal.interactive && options.yes !== true) terminal.err(renderPlan(shown));
        if (!(await confirmed(terminal, 'Approve this plan?', options))) throw new CliError('not confirmed, nothing was approved');
        const plan = await client.approvePlan(shown.plan_id, options.reason);
        print(plan, () => `plan ${plan.plan_id} is approved; start its job with: fairlead plan apply ${plan.plan_id} --reason …\n`);
      }),
    );
}
