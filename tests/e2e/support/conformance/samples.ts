/** For each kind of job, parameters that suit the fleet, and what is so when such a job has succeeded. */
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import type { Facts, Params } from './conform.js';

/** What a sample is chosen from. */
export interface Fleet {
  readonly facts: Facts;
  /** In an order that changes from case to case. */
  readonly tenants: readonly string[];
  /** The shards of a kind. */
  shards(kind: PlacedKind): readonly string[];
  /** Runs a job of another kind, left alone, to its success. */
  run(kind: string, params: Params): Promise<void>;
  /** Labels a runner as being on a node. */
  onNode(shard: string, node: string): Promise<void>;
  /** Has a content of the routes kept, for a plan; answers its hash. */
  keep(content: object): Promise<string>;
  /** A revision of the routes with this content. */
  revisionOf(sha256: string): Promise<number>;
}

export interface Sample {
  params(fleet: Fleet): Promise<Params>;
  after(params: never, facts: Facts): Facts;
  /** Steps without an undo whose work is fine where it is, also when the job failed. */
  readonly stays?: readonly string[];
  /** It raises placement's revision also by what it takes back: how often is nobody's concern. */
  readonly revises?: boolean;
}

const seat = (facts: Facts, kind: string, tenant: string) => facts[`placed ${tenant}/${kind}`] ?? '';
const first = (list: readonly string[], what: string): string => {
  if (list[0] === undefined) throw new Error(`the fleet has no ${what}`);
  return list[0];
};

interface OneTenant {
  tenant: string;
  kinds?: readonly PlacedKind[];
}
interface Moves {
  tenant: string;
  moves: Partial<Record<PlacedKind, string>>;
}
interface ManyMoves {
  tenants: string[];
  moves: Partial<Record<PlacedKind, string>>;
}

function elsewhere(fleet: Fleet, kind: PlacedKind, tenant: string): string {
  const others = fleet.shards(kind).filter((shard) => shard !== seat(fleet.facts, kind, tenant));
  return first(others, `other ${kind} for ${tenant}`);
}

/** The tenant in a state on its seats of some kinds, or of all. */
function seated({ tenant, kinds = placedKinds }: OneTenant, facts: Facts, state: string): Facts {
  return { ...facts, ...Object.fromEntries(kinds.map((kind) => [`state ${kind}/${seat(facts, kind, tenant)}/${tenant}`, state])) };
}

/** The tenant placed and served elsewhere, a revision later; what has moved already is left as it is. */
function moved({ tenant, moves }: Moves, facts: Facts): Facts {
  const away = Object.entries(moves).filter(([kind, to]) => seat(facts, kind, tenant) !== to);
  if (away.length === 0) return facts;
  const next: Record<string, string> = {};
  const gone = new Set(away.map(([kind]) => `state ${kind}/${seat(facts, kind, tenant)}/${tenant}`));
  for (const [name, value] of Object.entries(facts)) if (!gone.has(name)) next[name] = / revision$/.test(name) ? later(value) : value;
  for (const [kind, to] of away)
    Object.assign(next, {
      [`placed ${tenant}/${kind}`]: to,
      [`published ${tenant}/${kind}`]: to,
      [`state ${kind}/${to}/${tenant}`]: 'active',
    });
  return next;
}

function later(version: string): string {
  const [epoch = '', revision] = version.split('.');
  return `${epoch}.${String(Number(revision) + 1)}`;
}

/** The tenants of a runner. */
function tenantsOn(shard: string, facts: Facts): string[] {
  return Object.keys(facts)
    .flatMap((fact) => /^placed (.*)\/runner$/.exec(fact)?.[1] ?? [])
    .filter((tenant) => seat(facts, 'runner', tenant) === shard);
}

/** The runner with the fewest tenants. */
function smallestRunner(fleet: Fleet): string {
  const placed = fleet.tenants.map((tenant) => seat(fleet.facts, 'runner', tenant));
  const count = (shard: string) => placed.filter((other) => other === shard).length;
  return first(
    [...fleet.shards('runner')].sort((a, b) => (count(a) || Infinity) - (count(b) || Infinity)),
    'runner',
  );
}

/** A runner in a state, and its tenants in theirs. */
function stopped({ shard }: { shard: string }, facts: Facts, states: { shard: string; tenants: string }): Facts {
  const changed = Object.entries(facts).map(([name, is]): [string, string] => {
    if (name === `shard runner/${shard}`) return [name, is.replace(/^\w+/, states.shard)];
    return [name, name === `published shard runner/${shard}` ? is.replace(/"state":"\w+"/, `"state":"${states.shard}"`) : is];
  });
  return tenantsOn(shard, facts).reduce<Facts>(
    (so, tenant) => seated({ tenant, kinds: ['runner'] }, so, states.tenants),
    Object.fromEntries(changed),
  );
}

/** The runners of a node in a state, and their tenants in theirs. */
function nodeStopped({ node }: { node: string }, facts: Facts, states: { shard: string; tenants: string }): Facts {
  return Object.entries(facts)
    .flatMap(([name, is]) => (is.includes(`"node": "${node}"`) ? (/^shard runner\/(.*)$/.exec(name)?.[1] ?? []) : []))
    .reduce((so, shard) => stopped({ shard }, so, states), facts);
}

/** All tenants of a runner on another one. */
function allMoved(shard: string, to: string, facts: Facts): Facts {
  return tenantsOn(shard, facts).reduce((so, tenant) => moved({ tenant, moves: { runner: to } }, so), facts);
}

const routing = { domain: 'routing', scope: 'platform', name: 'default' };
const routingPath = 'routing/platform/default';

/** Routes that differ by a timeout. */
const routes = (timeout: number) => ({ routes: [{ id: 'all', path_prefix: '/', to: { kind: 'aggregate' }, timeout_ms: timeout }] });

/** Parameters that change the routes from what is in force, which is something that was applied. */
async function otherRoutes(fleet: Fleet): Promise<Params & { sha256: string }> {
  const [one, other] = await Promise.all([fleet.keep(routes(1_000)), fleet.keep(routes(2_000))]);
  const inForce = fleet.facts[`config ${routingPath}`];
  if (inForce === undefined) await fleet.run('config-apply', { ...routing, sha256: one });
  return { ...routing, sha256: inForce === undefined || inForce === one ? other : one };
}

/** All gateways by this content. */
function configured({ sha256 }: { sha256: string }, facts: Facts): Facts {
  const changed = Object.keys(facts).filter((name) => name === `config ${routingPath}` || name.endsWith(` ${routingPath}`));
  return { ...facts, ...Object.fromEntries(changed.map((name) => [name, sha256])) };
}

/** By kind. */
export const samples: Readonly<Record<string, Sample>> = {
  reload: {
    params: (fleet) => Promise.resolve({ kind: 'runner', shard: first(fleet.shards('runner'), 'runner') }),
    after: (_params, facts) => facts,
  },
  'tenant-drain': {
    params: (fleet) => Promise.resolve({ tenant: first(fleet.tenants, 'tenant') }),
    after: (params: OneTenant, facts) => seated(params, facts, 'drained'),
  },
  'tenant-resume': {
    params: async (fleet) => {
      const tenant = first(fleet.tenants, 'tenant');
      await fleet.run('tenant-drain', { tenant });
      return { tenant };
    },
    after: (params: OneTenant, facts) => seated(params, facts, 'active'),
    stays: ['resume'],
  },
  'tenant-migrate': {
    params: (fleet) => {
      const tenant = first(fleet.tenants, 'tenant');
      const moves = Object.fromEntries(placedKinds.map((kind) => [kind, elsewhere(fleet, kind, tenant)]));
      return Promise.resolve({ tenant, moves });
    },
    after: (params: Moves, facts) => moved(params, facts),
  },
  rebalance: {
    params: (fleet) => {
      const tenant = first(fleet.tenants, 'tenant');
      const [shard, to] = [seat(fleet.facts, 'runner', tenant), elsewhere(fleet, 'runner', tenant)];
      return Promise.resolve({ kind: 'runner', mode: 'replace', shard, to, cooldown_seconds: 0 });
    },
    after: ({ shard, to }: { shard: string; to: string }, facts) => allMoved(shard, to, facts),
  },
  'shard-decommission': {
    params: (fleet) => {
      const shard = smallestRunner(fleet);
      return Promise.resolve({
        kind: 'runner',
        shard,
        to: first(
          fleet.shards('runner').filter((other) => other !== shard),
          'other runner',
        ),
      });
    },
    after: ({ shard, to }: { shard: string; to: string }, facts) => {
      const gone = new Set([`shard runner/${shard}`, `published shard runner/${shard}`]);
      const left = allMoved(shard, to, facts);
      return Object.fromEntries(Object.entries(left).filter(([name]) => !gone.has(name)));
    },
    revises: true,
  },
  'shard-drain': {
    params: (fleet) => Promise.resolve({ kind: 'runner', shard: smallestRunner(fleet) }),
    after: (params: { shard: string }, facts) => stopped(params, facts, { shard: 'cordoned', tenants: 'drained' }),
    revises: true,
  },
  'shard-resume': {
    params: async (fleet) => {
      const params = { kind: 'runner', shard: smallestRunner(fleet) };
      await fleet.run('shard-drain', params);
      return params;
    },
    after: (params: { shard: string }, facts) => stopped(params, facts, { shard: 'active', tenants: 'active' }),
    stays: ['open'],
    revises: true,
  },
  'node-drain': {
    params: async (fleet) => {
      await fleet.onNode(smallestRunner(fleet), 'host-1');
      return { node: 'host-1' };
    },
    after: (params: { node: string }, facts) => nodeStopped(params, facts, { shard: 'cordoned', tenants: 'drained' }),
    revises: true,
  },
  'node-resume': {
    params: async (fleet) => {
      await fleet.onNode(smallestRunner(fleet), 'host-1');
      await fleet.run('node-drain', { node: 'host-1' });
      return { node: 'host-1' };
    },
    after: (params: { node: string }, facts) => nodeStopped(params, facts, { shard: 'active', tenants: 'active' }),
    revises: true,
  },
  'config-apply': { params: otherRoutes, after: configured },
  'config-rollback': {
    params: async (fleet) => {
      const params = await otherRoutes(fleet);
      // What is in force now is where it goes back to.
      const sha256 = fleet.facts[`config ${routingPath}`] ?? (await fleet.keep(routes(1_000)));
      await fleet.run('config-apply', params);
      return { ...routing, sha256, revision: await fleet.revisionOf(sha256) };
    },
    after: configured,
  },
  'tenants-migrate': {
    params: (fleet) => {
      const target = elsewhere(fleet, 'runner', first(fleet.tenants, 'tenant'));
      const tenants = fleet.tenants.filter((tenant) => seat(fleet.facts, 'runner', tenant) !== target).slice(0, 2);
      return Promise.resolve({ tenants, moves: { runner: target } });
    },
    after: ({ tenants, moves }: ManyMoves, facts) => tenants.reduce((so, tenant) => moved({ tenant, moves }, so), facts),
  },
};

/** A kind's sample; throws for a kind that has none. */
export function sampleOf(kind: string): Sample {
  const sample = samples[kind];
  if (sample === undefined) throw new Error(`the conformance suite needs a sample of ${kind}: add one to ${import.meta.filename}`);
  return sample;
}
