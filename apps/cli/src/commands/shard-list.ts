import { Option, type Command } from 'commander';
import { serviceKinds } from '@fairlead/contracts';
import type { Query } from '@fairlead/api-client';
import type { Run } from '../context.js';
import { renderShards } from '../view/shards.js';

/** `fairlead shard list` */
export function shardList(parent: Command, run: Run): void {
  parent
    .command('list')
    .description('list the shards with their state, tenants and endpoints')
    .addOption(new Option('--kind <kind>', 'of one kind of service').choices(serviceKinds))
    .action((query: Query<'shards.list'>, command: Command) =>
      run(command, async ({ api, print }) => {
        const list = await api().shardList(query);
        print(list, () => renderShards(list.items));
      }),
    );
}
