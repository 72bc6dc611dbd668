import { configPath, type ConfigIdentity } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { Content } from './domain/canonical.js';
import type { Problem } from './domain/problems.js';
import { withoutRetired, type KnownShard, type World } from './domains/define.js';
import { domains } from './domains/index.js';
import { contentsInUse } from './store/documents.js';
import { readWorld } from './store/world.js';

/** Where a document, in force or tried, refers to a shard. */
export interface ShardReference extends Problem {
  /** Such as `routing/platform/default`. */
  readonly document: string;
}

/** What in the documents would be wrong if an active shard were gone: what their domains say of them without it, and not with it. */
export async function referencesTo(sql: Sql, { kind, shardId }: Pick<KnownShard, 'kind' | 'shardId'>): Promise<ShardReference[]> {
  const { shards } = await readWorld(sql, []);
  const isIt = (shard: KnownShard) => shard.kind === kind && shard.shardId === shardId;
  const present = shards.map((shard) => (isIt(shard) ? { ...shard, state: 'active' } : shard));
  const gone = shards.filter((shard) => !isIt(shard));
  const found = (await contentsInUse(sql)).flatMap(({ content, ...identity }) => {
    const before = new Set(problemsWith(present, identity, content).map(keyOf));
    return problemsWith(gone, identity, content)
      .filter((problem) => !before.has(keyOf(problem)))
      .map((problem) => ({ document: configPath(identity), ...problem }));
  });
  // What is in force and what is tried may say the same.
  return [...new Map(found.map((one) => [`${one.document} ${keyOf(one)}`, one])).values()];
}

const keyOf = ({ pointer, detail }: Problem) => `${pointer} ${detail}`;

/** By the shards alone: tenants, definitions and endpoints are left out, as what is said of them is the same before and after. */
function problemsWith(shards: readonly KnownShard[], identity: ConfigIdentity, content: string): Problem[] {
  const domain = domains[identity.domain];
  const parsed = domain.schema.safeParse(withoutRetired(domain, JSON.parse(content) as Content));
  const world: World = { shards, tenants: new Set(), definitions: new Map(), endpointProblem: () => undefined };
  return parsed.success ? domain.problems(parsed.data, world, identity) : [];
}
