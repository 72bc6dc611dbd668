/** Every kind's plan is made from its arguments alone: for worlds and parameters that are made from the kind's own schema. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { placedKinds, type fleetV1, type placementV1, type provisionerV1 } from '@fairlead/contracts';
import type { ChildJobs } from '../engine/children.js';
import type { JobKind } from '../engine/kind.js';
import { step, toyKind } from '../engine/toy.fixture.js';
import type { KindDependencies } from './clients.js';
import { jobKinds } from './index.js';
import { impurities } from './plan-purity.fixture.js';

const names = ['acme', 'globex', 'one', 'two'];

interface Schema {
  type?: string;
  pattern?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  propertyNames?: Schema;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  minItems?: number;
  minimum?: number;
  maximum?: number;
}

/** Values of a JSON schema; every text is a name that any tenant or shard may have, where its pattern lets it. */
function valuesOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if ('const' in schema) return fc.constant(schema.const);
  const oneOf = schema.anyOf ?? schema.oneOf;
  if (oneOf !== undefined) return fc.oneof(...oneOf.map(valuesOf));
  switch (schema.type) {
    case 'string': {
      const pattern = new RegExp(schema.pattern ?? '');
      return names.every((name) => pattern.test(name)) ? fc.constantFrom(...names) : fc.stringMatching(pattern);
    }
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 100, 1_000) });
    case 'array':
      return fc.array(valuesOf(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 4 });
    case 'object':
      if (schema.properties === undefined && typeof schema.additionalProperties === 'object')
        return fc.dictionary(
          valuesOf(schema.propertyNames ?? { type: 'string' }) as fc.Arbitrary<string>,
          valuesOf(schema.additionalProperties),
          {
            minKeys: 1,
          },
        );
      return fc.record(Object.fromEntries(Object.entries(schema.properties ?? {}).map(([key, member]) => [key, valuesOf(member)])), {
        requiredKeys: schema.required ?? [],
      });
    default:
      throw new Error(`no values are known of ${JSON.stringify(schema)}`);
  }
}

const states = ['absent', 'active', 'draining', 'drained', 'sealed', 'imported', 'moved'];
const health: fc.Arbitrary<fleetV1.EndpointHealth> = fc.record({
  kind: fc.constantFrom(...placedKinds),
  shardId: fc.constantFrom(...names),
  endpointId: fc.string(),
  url: fc.webUrl(),
  reachable: fc.boolean(),
  healthy: fc.boolean(),
  ready: fc.boolean(),
  version: fc.string(),
  gitSha: fc.string(),
  inflight: fc.nat(400),
  lag: fc.nat(200),
  takenAt: fc.string(),
  problem: fc.constantFrom('', 'no answer'),
  latencyMs: fc.nat(100),
  metricsTakenAt: fc.string(),
  metricsProblem: fc.constantFrom('', 'no answer'),
  startedAt: fc.string(),
  condition: fc.constantFrom('steady', 'flapping'),
});
const tenantState: fc.Arbitrary<provisionerV1.TenantState> = fc.record({
  state: fc.constantFrom(...states),
  inflight: fc.nat(300),
  lag: fc.nat(200),
  fence: fc.nat(),
  lastSeq: fc.nat(),
});
const gateway: fc.Arbitrary<fleetV1.GatewayPlacement> = fc.record({
  shardId: fc.constantFrom(...names),
  endpointId: fc.string(),
  alive: fc.boolean(),
  epoch: fc.nat(),
  revision: fc.nat(),
  problem: fc.string(),
});

/** A world in which any name is a tenant and a shard. */
const world = fc.record({
  seats: fc.array(fc.record({ shardId: fc.constantFrom(...names), revision: fc.nat() }), { minLength: 3, maxLength: 3 }),
  tenants: fc.subarray(names),
  shardState: fc.constantFrom('active', 'cordoned'),
  revision: fc.nat(),
  health: fc.array(health, { maxLength: 3 }),
  states: fc.array(tenantState, { minLength: 1, maxLength: 5 }),
  gateways: fc.array(gateway, { maxLength: 3 }),
  publicationProblem: fc.constantFrom('', 'NATS is not connected'),
  moves: fc.uniqueArray(
    fc.record({
      tenantId: fc.constantFrom(...names),
      fromShardId: fc.constantFrom(...names),
      toShardId: fc.constantFrom(...names),
      load: fc.nat(100),
      why: fc.constantFrom('over_limit', 'emptied'),
    }),
    { selector: ({ tenantId }) => tenantId, maxLength: 4 },
  ),
  references: fc.array(fc.record({ document: fc.string(), pointer: fc.string(), detail: fc.string() }), { maxLength: 2 }),
  reason: fc.string(),
  leftOver: fc.constantFrom('', 'no_room'),
  ratio: fc.double({ min: 0, max: 10, noNaN: true }),
  document: fc.record({
    revision: fc.nat(3),
    currentSha256: fc.constantFrom('a', 'b'),
    newest: fc.nat(3),
    candidateRevision: fc.nat(1),
    changes: fc.array(fc.record({ op: fc.constant('changed'), pointer: fc.string(), before: fc.json(), after: fc.json() }), {
      maxLength: 3,
    }),
    changeCount: fc.nat(4),
    problems: fc.array(fc.record({ pointer: fc.string(), detail: fc.string() }), { maxLength: 2 }),
    services: fc.array(fc.constantFrom(...names), { maxLength: 2 }),
    tenants: fc.array(fc.constantFrom(...names), { maxLength: 2 }),
    everyTenant: fc.boolean(),
    followedByGateways: fc.boolean(),
    publicationProblem: fc.constantFrom('', 'NATS is not connected'),
  }),
  following: fc.boolean(),
  openJobs: fc.array(fc.record({ job_id: fc.constantFrom('job_1', 'job_2') }), { maxLength: 1 }),
});
type World = typeof world extends fc.Arbitrary<infer Made> ? Made : never;

function kindsIn(seen: World): JobKind[] {
  let asked = 0;
  let planned = '';
  const shard = (kind: string, shardId: string): placementV1.Shard => ({
    kind,
    shardId,
    endpoints: [],
    weight: 1,
    labels: {},
    state: seen.shardState,
    revision: seen.revision,
    tenants: 0,
  });
  const assignments = placedKinds.map((kind, index) => ({ kind, shardId: 'one', revision: 1, ...seen.seats[index] }));
  const placement = {
    getTenant: ({ tenantId }: { tenantId: string }) =>
      Promise.resolve({ tenant: { tenantId, name: '', assignments, createdAt: '' }, publicationProblem: seen.publicationProblem }),
    listTenants: () => {
      const tenants = seen.tenants.map((tenantId) => ({ tenantId, name: '', assignments, createdAt: '' }));
      return Promise.resolve({ tenants, nextAfter: '' });
    },
    planRebalance: () => Promise.resolve({ rebalance: rebalanceOf(seen) }),
    listShards: ({ kind }: { kind: string }) => Promise.resolve({ shards: names.map((shardId) => shard(kind, shardId)) }),
    getShard: ({ kind, shardId }: { kind: string; shardId: string }) =>
      Promise.resolve({ shard: shard(kind, shardId), references: seen.references }),
  };
  const provisioner = { getTenantState: () => Promise.resolve({ state: seen.states[asked++ % seen.states.length] }) };
  const fleet = {
    getSnapshot: () => Promise.resolve({ endpoints: seen.health, takenAt: '', unreachable: 0 }),
    checkShard: () => Promise.resolve({ endpoints: seen.health }),
    getAppliedPlacement: () => Promise.resolve({ gateways: seen.gateways }),
    getAppliedConfig: () => Promise.resolve({ gateways: seen.gateways.map((one) => ({ ...one, follows: seen.following, sha256: '' })) }),
  };
  const config = {
    planConfig: ({ sha256 }: { sha256: string }) => {
      planned = sha256;
      return Promise.resolve(seen.document);
    },
    getConfigRevision: () => Promise.resolve({ revision: { sha256: planned, reason: seen.reason, state: 'withdrawn' }, content: '{}' }),
  };
  const sql = { query: () => Promise.resolve(seen.openJobs) };
  const settings = { maxLag: 100, maxInflight: 200 };
  return jobKinds({ placement, config, provisioner, fleet, sql, settings } as unknown as KindDependencies, {} as ChildJobs);
}

function rebalanceOf({ moves, leftOver, ratio, revision }: World): placementV1.Rebalance {
  const shard = { shardId: 'one', tenantsBefore: 1, tenantsAfter: 1, loadBefore: 1, loadAfter: 1, leftOver, leftOverMessage: leftOver };
  return {
    epoch: 1,
    revision,
    moves,
    shards: [shard],
    ratioBefore: ratio,
    ratioAfter: 1,
    configRevision: revision,
    tolerance: 0.05,
    parallel: 2,
  };
}

/** For what is known of the kinds without looking anywhere. */
const kinds = kindsIn({
  seats: [],
  tenants: [],
  shardState: 'active',
  revision: 0,
  health: [],
  states: [],
  gateways: [],
  publicationProblem: '',
  moves: [],
  references: [],
  reason: '',
  leftOver: '',
  ratio: 1,
  document: {
    ...{ revision: 0, currentSha256: 'a' as const, newest: 0, candidateRevision: 0, changes: [], changeCount: 0, problems: [] },
    ...{ services: [], tenants: [], everyTenant: false, followedByGateways: false, publicationProblem: '' },
  },
  following: false,
  openJobs: [],
});

const withExpected = (given: unknown, revision: number) =>
  typeof given === 'object' && given !== null && 'expected_revision' in given ? { ...given, expected_revision: revision } : given;

describe('the plan', () => {
  it.each(kinds.map((kind, index) => [kind.kind, kind, index] as const))(
    'of %s is made from its arguments alone',
    async (_name, known, index) => {
      const params = valuesOf(z.toJSONSchema(known.params, { io: 'input' }) as Schema);
      await fc.assert(
        fc.asyncProperty(world, params, async (seen, given) => {
          const kind = kindsIn(seen)[index] ?? known;
          // Whoever expects another revision than there is gets no plan.
          const parsed = kind.params.parse(withExpected(given, seen.document.revision));
          expect(impurities(kind, parsed, await kind.readInputs(parsed))).toEqual([]);
        }),
        { numRuns: 100 },
      );
    },
  );

  it('of a kind that looks at the clock, at randomness or at an earlier plan is told to', () => {
    let plans = 0;
    const toy = (resource: () => string, change: (inputs: { at?: number }) => void = () => undefined): JobKind => ({
      ...toyKind([step('one')]),
      plan: (_params, inputs) => {
        change(inputs as { at?: number });
        return {
          actions: [],
          checks: [],
          impact: { tenants: [], services: [], expectedPauseMs: 0 },
          inputs: [{ resource: resource(), revision: 1 }],
        };
      },
    });
    const wrong = (kind: JobKind) => impurities(kind, { tenant: 'acme' }, { at: 1 });
    expect(wrong(toy(() => 'same'))).toEqual([]);
    expect(wrong(toy(() => String(new Date(0).getTime())))).toEqual([]);
    expect(wrong(toy(() => (Date.now() > 0 ? 'same' : 'other')))).toEqual(['it looks at the clock']);
    expect(wrong(toy(() => (new Date().getTime() > 0 ? 'same' : 'other')))).toEqual(['it looks at the clock']);
    expect(wrong(toy(() => (performance.now() > 0 ? 'same' : 'other')))).toEqual(['it looks at the clock']);
    expect(wrong(toy(() => (Math.random() >= 0 ? 'same' : 'other')))).toEqual(['it looks at randomness']);
    expect(wrong(toy(() => String(plans++)))).toContain('the same inputs, planned again, have another digest');
    expect(
      wrong(
        toy(
          () => 'same',
          (inputs) => (inputs.at = 2),
        ),
      ),
    ).toEqual(['it changes what it is given']);
  });
});
