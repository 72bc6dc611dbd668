import type { Command } from 'commander';
import { runChange } from '../change.js';
import type { Run } from '../context.js';
import { addChangeOptions, changeOptions, list, type ParsedChangeOptions } from '../options.js';
import { placedKind } from '../targets.js';

/** `fairlead tenant drain` */
export function tenantDrain(parent: Command, run: Run): void {
  const command = parent
    .command('drain <tenant>')
    .description("stop a tenant's new work and let work in flight finish")
    .option('--kind <kind>', 'only on shards of this kind (repeatable); all kinds when left out', list);
  addChangeOptions(command)
    .addHelpText('after', '\nExample:\n  fairlead tenant drain acme --kind runner --reason "maintenance" --wait\n')
    .action((tenant: string, options: ParsedChangeOptions & { kind?: string[] }, self: Command) =>
      run(self, (context) => {
        const kinds = options.kind?.map(placedKind);
        const body = { tenant, ...(kinds === undefined ? {} : { kinds }), reason: options.reason };
        return runChange(context, 'tenant-drain', () => Promise.resolve(body), changeOptions(options));
      }),
    );
}
