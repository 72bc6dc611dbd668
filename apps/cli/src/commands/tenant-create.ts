import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { list } from '../options.js';
import { parseTargets } from '../targets.js';
import { renderTenant } from '../view/lists.js';

interface CreateOptions {
  readonly name?: string;
  readonly place?: string[];
  readonly idempotencyKey?: string;
}

/** `fairlead tenant create` */
export function tenantCreate(parent: Command, run: Run): void {
  parent
    .command('create <tenant>')
    .description('register a tenant and place it')
    .option('--name <name>', 'its name, the id when left out')
    .option('--place <kind=shard,…>', 'where to place it; kinds left out go where there is room', list)
    .option('--idempotency-key <key>', 'repeat an earlier attempt')
    .addHelpText('after', '\nExample:\n  fairlead tenant create acme --name "Acme Ltd" --place runner=runner-1\n')
    .action((tenantId: string, options: CreateOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const body = { tenant_id: tenantId, name: options.name ?? tenantId, placement: placementOf(options.place ?? []) };
        const tenant = await api().createTenant(body, options.idempotencyKey ?? randomUUID());
        print(tenant, () => renderTenant(tenant));
      }),
    );
}

function placementOf(place: readonly string[]): Record<string, string> {
  if (place.length === 0) return {};
  const targets = parseTargets(place.join(','), []);
  if ('shard' in targets) throw new CliError(`--place: not kind=shard: ${targets.shard}`, exitCodes.usage);
  return Object.fromEntries(targets.moves);
}
