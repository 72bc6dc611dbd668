import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { fleetV1, placementV1, provisionerV1 } from '@fairlead/contracts';
import { hasApplied, planMigration } from './tenant-migrate.js';

const limits = { maxLag: 100, maxInflight: 200 };
const health = (change: Partial<fleetV1.EndpointHealth> = {}): fleetV1.EndpointHealth => ({
  kind: 'runner',
  shardId: 'runner-2',
  endpointId: 'runner-2',
  url: 'http://127.0.0.1:1',
  reachable: true,
  healthy: true,
  ready: true,
  version: '1',
  gitSha: 'x',
  inflight: 2,
  lag: 0,
  takenAt: '',
  problem: '',
  latencyMs: 1,
  metricsTakenAt: '',
  metricsProblem: '',
  startedAt: '',
  condition: 'steady',
  ...change,
});
const shard = (change: Partial<placementV1.Shard> = {}): placementV1.Shard => ({
  kind: 'runner',
  shardId: 'runner-2',
  endpoints: [],
  weight: 1,
  labels: {},
  state: 'active',
  revision: 5,
  tenants: 3,
  ...change,
});
const state = (change: Partial<provisionerV1.TenantState> = {}): provisionerV1.TenantState => ({
  state: 'active',
  inflight: 1,
  lag: 0,
  fence: 0,
  lastSeq: 9,
  ...change,
});
const gateway = (alive: boolean): fleetV1.GatewayPlacement => ({
  shardId: 'gateway-1',
  endpointId: `gateway-${String(alive)}`,
  alive,
  epoch: 1,
  revision: 8,
  problem: '',
});
const seat = { kind: 'runner' as const, shardId: 'runner-1', revision: 7 };

function plan(
  change: {
    target?: placementV1.Shard;
    targetHealth?: fleetV1.EndpointHealth[];
    originState?: provisionerV1.TenantState | undefined;
    targetState?: provisionerV1.TenantState | undefined;
    gateways?: fleetV1.GatewayPlacement[];
    openJobId?: string;
    publicationProblem?: string;
  } = {},
) {
  const move = {
    seat,
    target: shard(),
    targetHealth: [health()],
    originState: state() as provisionerV1.TenantState | undefined,
    targetState: state({ state: 'absent' }),
    ...change,
  };
  return planMigration(
    { tenant: 'acme', moves: { runner: 'runner-2' } },
    {
      moves: [move],
      gateways: change.gateways ?? [gateway(true)],
      openJobId: change.openJobId,
      publicationProblem: change.publicationProblem ?? '',
    },
    limits,
  );
}
const verdicts = (draft: ReturnType<typeof plan>, verdict: string) =>
  draft.checks.filter((check) => check.verdict === verdict).map((check) => check.name);

describe('the plan of a migration', () => {
  it('passes when all is well and names every action and input', () => {
    const draft = plan();
    expect(verdicts(draft, 'pass')).toHaveLength(draft.checks.length);
    expect(draft.actions.map((action) => action.name)).toEqual(['drain', 'hand-over', 'update-placement', 'resume', 'drop-sealed-copy']);
    expect(draft.inputs).toEqual([
      { resource: 'placement/acme/runner', revision: 7 },
      { resource: 'shard/runner/runner-2', revision: 5 },
    ]);
    expect(draft.impact).toMatchObject({ tenants: ['acme'], services: ['runner/runner-1', 'runner/runner-2'] });
  });

  it.each([
    ['an unhealthy target', { targetHealth: [health({ healthy: false })] }, ['runner.target_healthy']],
    [
      'a target that does not answer',
      { targetHealth: [health({ reachable: false, healthy: false, ready: false, problem: 'refused' })] },
      ['runner.target_healthy', 'runner.target_ready', 'runner.target_lag', 'runner.target_inflight'],
    ],
    [
      'a target without an endpoint',
      { targetHealth: [] },
      ['runner.target_healthy', 'runner.target_ready', 'runner.target_lag', 'runner.target_inflight'],
    ],
    ['a target that lags', { targetHealth: [health({ lag: 101 })] }, ['runner.target_lag']],
    ['a busy target', { targetHealth: [health({ inflight: 201 })] }, ['runner.target_inflight']],
    [
      'a target too busy to measure',
      { targetHealth: [health({ problem: 'metrics: no answer in time' })] },
      ['runner.target_lag', 'runner.target_inflight'],
    ],
    ['a sealed copy on the target', { targetState: state({ state: 'sealed' }) }, ['runner.target_has_no_copy']],
    ['a cordoned target', { target: shard({ state: 'cordoned' }) }, ['runner.target_takes_tenants']],
    ['the same shard', { target: shard({ shardId: 'runner-1' }) }, ['runner.not_already_there']],
    ['a tenant that lags', { originState: state({ lag: 101 }) }, ['runner.origin_lag']],
    ['an origin that does not answer', { originState: undefined }, ['runner.origin_state']],
    ['a placement that can not be published', { publicationProblem: 'NATS is away' }, ['placement_published']],
    ['no gateway alive', { gateways: [gateway(false)] }, ['gateways_alive']],
  ])('blocks on %s', (_what, change, expected) => {
    expect(verdicts(plan(change), 'block')).toEqual(expected);
  });

  it('warns of another job and of gateways that are away', () => {
    expect(verdicts(plan({ openJobId: 'job_1', gateways: [gateway(true), gateway(false)] }), 'warn')).toEqual([
      'gateways_alive',
      'no_running_job',
    ]);
  });

  it.each([
    [['flapping'], 'flapping', 'runner runner-2 is not steady: runner-2 is flapping'],
    [['flapping', 'crash_looping', 'steady'], 'crash_looping', 'runner runner-2 is not steady: e0 is flapping, e1 is crash looping'],
  ])('warns of a target that is ready and not steady: %p', (conditions, value, message) => {
    const targetHealth = conditions.map((condition, index) =>
      health({ condition, ...(conditions.length > 1 ? { endpointId: `e${String(index)}` } : {}) }),
    );
    const draft = plan({ targetHealth });
    expect([verdicts(draft, 'warn'), verdicts(draft, 'block')]).toEqual([['runner.target_steady'], []]);
    expect(draft.checks.find(({ verdict }) => verdict === 'warn')).toEqual({
      ...{ name: 'runner.target_steady', verdict: 'warn', value, limit: 'steady', message },
    });
  });

  it('blocks exactly when a measure is over its limit', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.nat(400), fc.nat(400), (lag, inflight, tenantLag) => {
        const blocked = verdicts(plan({ targetHealth: [health({ lag, inflight })], originState: state({ lag: tenantLag }) }), 'block');
        expect(blocked.length > 0).toBe(lag > limits.maxLag || inflight > limits.maxInflight || tenantLag > limits.maxLag);
      }),
    );
  });
});

describe('hasApplied', () => {
  it('needs the revision and the epoch', () => {
    expect(hasApplied({ epoch: 1, revision: 8 }, { epoch: 1, revision: 8 })).toBe(true);
    expect(hasApplied({ epoch: 2, revision: 9 }, { epoch: 1, revision: 8 })).toBe(true);
    expect(hasApplied({ epoch: 1, revision: 9 }, { epoch: 2, revision: 8 })).toBe(false);
    expect(hasApplied({ epoch: 1, revision: 7 }, { epoch: 1, revision: 8 })).toBe(false);
  });
});
