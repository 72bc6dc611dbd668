import { createHash } from 'node:crypto';
import type { Command } from 'commander';
import { FairleadError } from '@fairlead/contracts';
import { readPlacementFiles, type PlacementSource } from '@fairlead/placement-map/files';
import type { Api, Placement } from '../api.js';
import { confirmed } from '../confirm.js';
import type { Context, Run } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { placementChanges, type PlacementChanges, type ShardChange } from '../placement-changes.js';
import { sourceOf } from '../placement-source.js';
import { renderImport } from '../view/placement-import.js';

interface ImportOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** `fairlead placement import` */
export function placementImport(parent: Command, run: Run): void {
  parent
    .command('import')
    .description('put the shards and make the tenants of <dir>/placement/dev.json and <dir>/routing/dev.json')
    .argument('<dir>', 'the folder, as `placement export` writes it')
    .option('--dry-run', 'tell what would be done, and do nothing')
    .option('-y, --yes', 'do not ask for confirmation')
    .addHelpText(
      'after',
      `
Shards and tenants that only the installation has stay. No tenant is moved: a move is a plan of its own, and those that would be
needed are told with the command that plans them. Epoch and revision are the installation's, not the documents'. What broke off
is gone on with by the same command: it does what is missing then.
`,
    )
    .action((dir: string, options: ImportOptions, command: Command) => run(command, (context) => importFrom(context, dir, options)));
}

async function importFrom(context: Context, dir: string, options: ImportOptions): Promise<void> {
  const { terminal, json } = context;
  const wanted = await read(dir);
  const api = context.api();
  const placement = await api.placement();
  const changes = placementChanges(wanted, sourceOf(placement));
  const show = (done: boolean) => {
    terminal.out(json ? `${JSON.stringify(told(changes, done), null, 2)}\n` : renderImport(changes, done));
  };
  if (changes.problems.length > 0) throw new CliError(`nothing was done: ${changes.problems.join('; ')}`, exitCodes.usage);
  const isSame = changes.shards.length === 0 && changes.tenants.length === 0;
  if (options.dryRun === true || isSame) {
    show(false);
    return;
  }
  if (options.yes !== true && terminal.interactive) terminal.err(renderImport(changes, false));
  if (!(await confirmed(terminal, 'Import this?', options))) throw new CliError('nothing was done');
  await apply(api, changes, placement);
  show(true);
}

async function read(dir: string): Promise<PlacementSource> {
  try {
    return await readPlacementFiles(dir);
  } catch (error) {
    if (error instanceof FairleadError) throw new CliError(error.message, exitCodes.usage, { cause: error });
    throw error;
  }
}

/** Shards first, so that tenants have where to go; a cordon on what has just been filled comes last. */
async function apply(api: Api, changes: PlacementChanges, placement: Placement): Promise<void> {
  const revisions = new Map<ShardChange, number | null | undefined>();
  for (const change of changes.shards) {
    const { kind, shardId } = change.shard;
    const before = placement.shards[kind]?.[shardId]?.revision;
    const put = await putShard(api, change, change.cordonAfter ? 'active' : change.shard.state, before);
    revisions.set(change, put.revision);
  }
  for (const { tenantId, placement: on } of changes.tenants) {
    const body = { tenant_id: tenantId, name: tenantId, placement: on };
    // The same request has the same key, so one whose answer was lost is found done.
    const key = createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 32);
    await api.createTenant(body, `placement-import-${key}`);
  }
  for (const change of changes.shards) if (change.cordonAfter) await putShard(api, change, change.shard.state, revisions.get(change));
}

function putShard(api: Api, { shard }: ShardChange, state: string, revision: number | null | undefined) {
  const { kind, shardId, endpoints, weight, labels } = shard;
  const body = {
    endpoints: endpoints.map(({ endpointId, url }) => ({ endpoint_id: endpointId, url })),
    weight,
    labels: { ...labels },
    state: state === 'cordoned' ? ('cordoned' as const) : ('active' as const),
  };
  return api.putShard(kind, shardId, body, revision == null ? undefined : `"${String(revision)}"`);
}

function told({ shards, tenants, moves, kept }: PlacementChanges, done: boolean): object {
  return {
    done,
    shards: shards.map(({ shard: { kind, shardId }, differs }) => ({ kind, shard_id: shardId, differs })),
    tenants: tenants.map(({ tenantId, placement }) => ({ tenant_id: tenantId, placement })),
    moves: moves.map(({ tenantId, kind, from = null, to }) => ({ tenant_id: tenantId, kind, from_shard_id: from, to_shard_id: to })),
    kept,
  };
}
