/** How the change of a configuration document is planned, and rolled out over services that are scripted. */
import { describe, expect, it } from '@jest/globals';
import type { configV1, fleetV1 } from '@fairlead/contracts';
import type { PlanDraft, StepContext } from '../engine/kind.js';
import type { KindDependencies } from './clients.js';
import { configApply, configRollback, planConfigChange } from './config-change.js';
import type { ConfigInputs, ConfigParams } from './config-document.js';
import { awaitAll, promote, resolvesRightlyEverywhere, sampleOf } from './config-roll-out.js';

const sha256 = 'a'.repeat(64);
const params: ConfigParams = { domain: 'routing', name: 'default', scope: 'platform', sha256 };

function gateway(n: number, given: Partial<fleetV1.GatewayConfig> = {}): fleetV1.GatewayConfig {
  return {
    ...{ shardId: `gateway-${String(n)}`, endpointId: 'one', alive: true, follows: true },
    ...{ epoch: 1, revision: 4, sha256: 'b', problem: '', ...given },
  };
}

function inputs(given: Partial<configV1.PlanConfigResponse> = {}, gateways = [gateway(1), gateway(2)]): ConfigInputs {
  const planned = {
    ...{ revision: 4, currentSha256: 'b'.repeat(64), newest: 6, candidateRevision: 0, problems: [], changeCount: 1 },
    changes: [{ op: 'changed', pointer: '/routes/0/timeout_ms', before: '1', after: '2' }],
    ...{ services: ['gateway/gateway-1'], tenants: [], everyTenant: true, followedByGateways: true, publicationProblem: '' },
  };
  return { planned: { ...planned, ...given }, gateways, openJobId: undefined };
}

const verdicts = ({ checks }: PlanDraft) => Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));

describe('the plan', () => {
  it('rests on what is in force, and on nothing being tried', () => {
    const plan = planConfigChange(params, inputs());
    expect(new Set(Object.values(verdicts(plan)))).toEqual(new Set(['pass']));
    expect(plan.actions.map(({ name }) => name)).toEqual(['backup', 'stage', 'try', 'promote', 'verify']);
    expect(plan.impact).toEqual({ tenants: [], services: ['gateway/gateway-1'], expectedPauseMs: 0, everyTenant: true });
    expect(plan.inputs).toEqual([
      { resource: 'config/routing/platform/default', revision: 4 },
      { resource: 'config/routing/platform/default/staged', revision: 0 },
    ]);
  });

  it.each<[string, string, ConfigInputs]>([
    ['content_valid', 'block', inputs({ problems: [{ pointer: '/pins/0', detail: 'there is no tenant acme' }] })],
    ['changes_something', 'warn', inputs({ currentSha256: sha256, changes: [], changeCount: 0 })],
    ['nothing_staged', 'block', inputs({ candidateRevision: 5 })],
    ['config_published', 'block', inputs({ publicationProblem: 'NATS is not connected' })],
    ['config_published', 'warn', inputs({ publicationProblem: 'NATS is not connected', followedByGateways: false })],
    ['gateways_follow', 'warn', inputs({}, [gateway(1), gateway(2, { alive: false })])],
    ['gateways_follow', 'warn', inputs({}, [gateway(1, { follows: false })])],
    ['no_running_job', 'warn', { ...inputs(), openJobId: 'job_1' }],
  ])('%s may %s', (name, verdict, given) => {
    expect(verdicts(planConfigChange(params, given))[name]).toBe(verdict);
  });

  it('of a document that no gateway goes by asks none of them', () => {
    const plan = planConfigChange(params, inputs({ followedByGateways: false }));
    expect(plan.actions.map(({ name }) => name)).toEqual(['backup', 'stage', 'promote']);
    expect(verdicts(plan)).not.toHaveProperty('gateways_follow');
  });

  it('of a rollback warns when the revision was taken back, with when and why it was made', () => {
    const at = '2026-11-23T10:00:00.000Z';
    const row = (revision: number, state: string, reason: string): configV1.ConfigRevision => ({
      ...{ identity: undefined, revision, sha256, source: 'api', updatedAt: at, updatedBy: 'user:usr_1', reason, state },
    });
    const checkOf = (restored: configV1.ConfigRevision, afterRestored?: configV1.ConfigRevision) =>
      planConfigChange({ ...params, revision: 2 }, { ...inputs(), restored, afterRestored }).checks.find(
        ({ name }) => name === 'not_taken_back',
      );
    expect(checkOf(row(2, 'withdrawn', 'faster'))).toMatchObject({
      verdict: 'warn',
      message: `revision 2 never came into force: it was tried at ${at} and taken back. It was made because: faster`,
    });
    expect(checkOf(row(2, 'superseded', 'faster'), row(3, 'superseded', 'taken back: faster'))).toMatchObject({
      verdict: 'warn',
      message: `revision 2 was taken back at ${at}. It was made because: faster`,
    });
    expect(checkOf(row(2, 'superseded', 'faster'), row(3, 'superseded', 'slower'))).toMatchObject({ verdict: 'pass' });
    expect(planConfigChange(params, inputs()).checks.map(({ name }) => name)).not.toContain('not_taken_back');
  });

  it('says whose content comes back', () => {
    const plan = planConfigChange({ ...params, revision: 2 }, inputs());
    expect(plan.actions[1]?.description).toContain('of revision 2');
  });
});

describe('the kinds', () => {
  const deps = (planned: ConfigInputs['planned'], kept: string) =>
    ({
      config: {
        planConfig: () => Promise.resolve(planned),
        getConfigRevision: () => Promise.resolve({ revision: { sha256: kept }, content: '{}' }),
      },
      fleet: { getAppliedConfig: () => Promise.resolve({ gateways: [] }) },
      sql: { query: () => Promise.resolve([]) },
      settings: {},
    }) as unknown as KindDependencies;

  it('refuse to plan from another revision than is expected', async () => {
    const kind = configApply(deps(inputs().planned, sha256));
    await expect(kind.readInputs({ ...params, expected_revision: 3 })).rejects.toMatchObject({ code: 'revision_mismatch' });
    await expect(kind.readInputs({ ...params, expected_revision: 4 })).resolves.toMatchObject({ planned: { revision: 4 } });
  });

  it('go back to nothing but what a revision held', async () => {
    const asked = { ...params, revision: 2 };
    await expect(configRollback(deps(inputs().planned, 'c')).readInputs(asked)).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(configRollback(deps(inputs().planned, sha256)).readInputs(asked)).resolves.toBeDefined();
  });

  it('need the permission of the domain, stand in its line, and are about the tenant of the document', () => {
    const kind = configApply(deps(inputs().planned, sha256));
    expect([kind.permission, kind.alsoNeeds?.(params), kind.locks(params), kind.tenantOf(params)]).toEqual([
      ...['config.write', ['config.routing'], ['config/routing'], undefined],
    ]);
    expect(kind.tenantOf({ ...params, domain: 'feature-flags', scope: 'tenants/acme' })).toBe('acme');
  });
});

describe('the sample', () => {
  it.each([
    [0, 0],
    [1, 1],
    [10, 1],
    [11, 2],
    [100, 10],
  ])('of %i gateways has %i, the first by name', (count, size) => {
    const gateways = Array.from({ length: count }, (_, n) => gateway(n)).reverse();
    const names = gateways.map(({ shardId }) => `${shardId}/one`).sort();
    expect(sampleOf(gateways)).toEqual(names.slice(0, size));
  });
});

describe('the roll-out', () => {
  const content = JSON.stringify({ routes: [{ id: 'api', hosts: ['a.test'], path_prefix: '/api' }] });
  interface Seen {
    gateways: fleetV1.GatewayConfig[];
    route?: string;
  }
  const promoted: unknown[] = [];
  const over = ({ gateways, route = 'api' }: Seen) =>
    ({
      config: {
        getConfigRevision: () => Promise.resolve({ revision: {}, content }),
        promoteConfig: (request: unknown) => {
          promoted.push(request);
          return Promise.resolve({ revision: 5, epoch: 1 });
        },
      },
      fleet: {
        getAppliedConfig: () => Promise.resolve({ gateways }),
        resolveRoutes: ({ gateways: asked, requests }: fleetV1.ResolveRoutesRequest) =>
          Promise.resolve({
            resolved: asked.flatMap((name) => {
              const [shardId = '', endpointId = ''] = name.split('/');
              return requests.map((request) => ({ shardId, endpointId, request, route, revision: 5, problem: '' }));
            }),
          }),
      },
    }) as unknown as KindDependencies;
  const context = (given: { runningMs?: number; sample?: string[]; params?: ConfigParams; followed?: boolean } = {}) =>
    ({
      ...{ jobId: 'job_1', params: given.params ?? params, runningMs: given.runningMs ?? 0, fence: 7, reason: 'why' },
      plan: planConfigChange(params, inputs({ followedByGateways: given.followed ?? true })),
      outputs: { stage: { revision: 5, epoch: 1, gateways: given.sample ?? ['gateway-1/one'] } },
      signal: new AbortController().signal,
    }) as unknown as StepContext<ConfigParams>;

  it('is over when every gateway that is alive has the revision; others are told of', async () => {
    const gateways = [gateway(1, { revision: 5 }), gateway(2, { alive: false }), gateway(3, { follows: false })];
    expect(await awaitAll(over({ gateways }), context())).toEqual({
      ...{ outcome: 'done', output: { gateways: ['gateway-1/one'], not_waited_for: ['gateway-2/one', 'gateway-3/one'] } },
    });
  });

  it('asks no gateway where none goes by the document', async () => {
    const broken = {} as KindDependencies;
    expect(await awaitAll(broken, context({ followed: false }))).toMatchObject({ outcome: 'done', output: { gateways: [] } });
    expect(await resolvesRightlyEverywhere(broken, context({ followed: false }))).toMatchObject({ outcome: 'done' });
  });

  it('is right when each gateway routes by the document', async () => {
    const gateways = [gateway(1, { revision: 5 }), gateway(2, { revision: 6 })];
    expect(await resolvesRightlyEverywhere(over({ gateways }), context())).toMatchObject({
      ...{ outcome: 'done', output: { gateways: ['gateway-1/one', 'gateway-2/one'] } },
    });
  });

  it('has failed when one still does not after a while, and says which', async () => {
    const seen = over({ gateways: [gateway(1, { revision: 5 })], route: 'all' });
    expect(await resolvesRightlyEverywhere(seen, context())).toMatchObject({ outcome: 'wait' });
    expect(await resolvesRightlyEverywhere(seen, context({ runningMs: 60_000 }))).toEqual({
      outcome: 'failed',
      error: { code: 'routes_differ', message: 'gateway-1/one is to send a.test/api by route api: it goes by all' },
    });
  });

  it('has failed when one has lost the revision again, or all that were to try it are gone', async () => {
    for (const gateways of [[gateway(1, { revision: 4 })], []])
      expect(await resolvesRightlyEverywhere(over({ gateways }), context({ runningMs: 60_000 }))).toMatchObject({ outcome: 'failed' });
    expect(await resolvesRightlyEverywhere(over({ gateways: [] }), context({ sample: [] }))).toMatchObject({ outcome: 'done' });
  });

  it('tells whose content came into force: no revision of none, -1 of the defaults', async () => {
    for (const revision of [undefined, 0, 3]) await promote(over({ gateways: [] }), context({ params: { ...params, revision } }));
    expect(promoted).toMatchObject([0, -1, 3].map((restoredRevision) => ({ revision: 5, restoredRevision, fence: 7 })));
  });
});
