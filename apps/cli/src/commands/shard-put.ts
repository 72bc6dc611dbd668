import { Argument, Option, type Command } from 'commander';
import { serviceKinds, type ServiceKind } from '@fairlead/contracts';
import type { Body } from '@fairlead/api-client';
import type { Run } from '../context.js';
import { CliError } from '../exit.js';
import { list, positive } from '../options.js';
import { renderShard } from '../view/shards.js';

interface Options {
  readonly endpoint?: readonly string[];
  readonly label?: readonly string[];
  readonly weight?: number;
  readonly maxLoad?: number | false;
  readonly state?: 'active' | 'cordoned';
}

const examples = `
Examples:
  fairlead shard put runner runner-7 --endpoint runner-7-a=http://10.0.0.7:9000 --label node=host-3
  fairlead shard put runner runner-7 --state cordoned
`;

/** `fairlead shard put` */
export function shardPut(parent: Command, run: Run): void {
  parent
    .command('put')
    .description('register a shard, or change it; what no option names stays')
    .addArgument(new Argument('<kind>', 'the kind of service').choices(serviceKinds))
    .argument('<shard>', 'the shard')
    .option('--endpoint <id=url>', 'all its endpoints, repeatable', list)
    .option('--label <name=value>', 'all its labels, repeatable', list)
    .option('--weight <n>', 'its share beside the others of its kind', positive)
    .option('--max-load <load>', 'the load that balancing lets it have at most', Number)
    .option('--no-max-load', 'no such bound')
    .addOption(new Option('--state <state>', 'cordoned: it serves, and takes no new tenants').choices(['active', 'cordoned']))
    .addHelpText('after', examples)
    .action((kind: ServiceKind, id: string, options: Options, command: Command) =>
      run(command, async ({ api, print }) => {
        const { items } = await api().shardList({ kind });
        const now = items.find(({ shard_id: other }) => other === id);
        const { endpoint, label, weight, maxLoad, state } = options;
        const endpoints = endpoint === undefined ? now?.endpoints : pairs(endpoint).map(([endpoint_id, url]) => ({ endpoint_id, url }));
        const body = {
          endpoints: endpoints ?? [],
          labels: label === undefined ? (now?.labels ?? {}) : Object.fromEntries(pairs(label)),
          weight,
          state,
          // commander takes --no-max-load for a default of true.
          max_load: maxLoad === false ? null : typeof maxLoad === 'number' ? maxLoad : undefined,
        } as Body<'shards.put'>;
        // From what was read: somebody else's change is not undone.
        const shard = await api().putShard(kind, id, body, now?.revision == null ? undefined : `"${String(now.revision)}"`);
        print(shard, () => renderShard(shard));
      }),
    );
}

function pairs(texts: readonly string[]): [string, string][] {
  return texts.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new CliError(`${text}: name=value is expected`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
}
