import type { Command } from 'commander';
import { runChange } from '../change.js';
import type { Run } from '../context.js';
import { addChangeOptions, changeOptions, list, type ParsedChangeOptions } from '../options.js';
import { placedKind } from '../targets.js';

/** `fairlead tenant resume` */
export function tenantResume(parent: Command, run: Run): void {
  const command = parent
    .command('resume <tenant>')
    .description('let a drained tenant work again')
    .option('--kind <kind>', 'only on shards of this kind (repeatable); all kinds when left out', list);
  addChangeOptions(command)
    .addHelpText('after', '\nExample:\n  fairlead tenant resume acme --kind runner --reason "maintenance" --wait\n')
    .action((tenant: string, options: ParsedChangeOptions & { kind?: string[] }, self: Command) =>
      run(self, (context) => {
        const kinds = options.kind?.map(placedKind);
        const body = { tenant, ...(kinds === undefined ? {} : { kinds }), reason: options.reason };
        return runChange(context, 'tenant-resume', () => Promise.resolve(body), changeOptions(options));
      }),
    );
}
