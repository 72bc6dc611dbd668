import type { Command } from 'commander';
import { applyPlan } from '../change.js';
import type { Run } from '../context.js';
import { addApplyOptions, changeOptions, type ParsedChangeOptions } from '../options.js';

/** `fairlead plan apply` */
export function planApply(parent: Command, run: Run): void {
  addApplyOptions(parent.command('apply <plan>').description('start the job of a plan that was made before, such as one that was approved'))
    .addHelpText('after', '\nExample:\n  fairlead plan apply plan_… --reason "approved by the night shift" --wait\n')
    .action((plan: string, options: ParsedChangeOptions, self: Command) =>
      run(self, (context) => applyPlan(context, plan, changeOptions(options))),
    );
}
