import { Argument, type Command } from 'commander';
import { serviceKinds, type ServiceKind } from '@fairlead/contracts';
import type { Run } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { renderShard } from '../view/shards.js';

/** `fairlead shard show` */
export function shardShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .description('show one shard')
    .addArgument(new Argument('<kind>', 'the kind of service').choices(serviceKinds))
    .argument('<shard>', 'the shard')
    .action((kind: ServiceKind, id: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const { items } = await api().shardList({ kind });
        const shard = items.find(({ shard_id: other }) => other === id);
        if (shard === undefined) throw new CliError(`there is no ${kind} shard ${id}`, exitCodes.notFound);
        print(shard, () => renderShard(shard));
      }),
    );
}
