// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the registry and the jobs answer is scripted.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FairleadError, jobsV1 } from '@fairlead/contracts';
import { startHttpStage, type HttpStage } from '../testing/http-stage.js';

let stage: HttpStage;

beforeAll(async () => {
  stage = await startHttpStage();
}, 120_000);
afterAll(() => stage.stop());
beforeEach(() => {
  stage.reset();
});

const sha256 = 'a'.repeat(64);
const identity = { domain: 'routing', name: 'default', scope: 'platform' };
const plan = jobsV1.Plan.fromPartial({
  ...{ planId: 'plan_1', kind: 'config-apply', digest: 'abc' },
  impact: { services: ['gateway/gateway-1'], everyTenant: true },
  changes: [
    { op: 'changed', pointer: '/routes/0/timeout_ms', before: '1000', after: '2000' },
    { op: 'added', pointer: '/default_shards/runner', after: '"runner-1"' },
  ],
});
const post = (path: string, body: object, token = stage.admin) => stage.gateway.call('POST', `/admin/v1/${path}`, { token, body });
const asked = () => stage.gateway.peers.calls.map(({ method, request }) => [method, request]);

describe('a change of a configuration document', () => {
  it('is planned from a content that is kept first, and shows what it changes', async () => {
    stage.gateway.peers.answers = { prepareConfig: () => ({ sha256 }), createPlan: () => ({ plan }) };
    const answer = await post('plan/config/apply', { domain: 'routing', content: { routes: [] }, expected_revision: 4, reason: 'why' });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        impact: { tenants: [], services: ['gateway/gateway-1'], every_tenant: true },
        changes: [
          { op: 'changed', pointer: '/routes/0/timeout_ms', before: 1000, after: 2000 },
          { op: 'added', pointer: '/default_shards/runner', after: 'runner-1' },
        ],
      },
    });
    expect(asked()).toEqual([
      ['prepareConfig', { identity, format: 'json', text: '{"routes":[]}' }],
      ['createPlan', expect.objectContaining({ kind: 'config-apply', params: { ...identity, sha256, expected_revision: 4 } })],
    ]);
  });

  it('takes a text as it stands in a file, of one tenant too', async () => {
    stage.gateway.peers.answers = { prepareConfig: () => ({ sha256 }), createPlan: () => ({ plan }) };
    const given = { domain: 'feature-flags', scope: 'tenants/acme', format: 'yaml', text: 'flags: {}' };
    expect((await post('plan/config/apply', { ...given, reason: 'why' })).status).toBe(201);
    const ofAcme = { domain: 'feature-flags', name: 'default', scope: 'tenants/acme' };
    expect(asked()[0]).toEqual(['prepareConfig', { identity: ofAcme, format: 'yaml', text: 'flags: {}' }]);
  });

  it('back to a revision names it', async () => {
    stage.gateway.peers.answers = { prepareConfig: () => ({ sha256 }), createPlan: () => ({ plan }) };
    expect((await post('plan/config/rollback', { domain: 'routing', revision: 0, reason: 'why' })).status).toBe(201);
    expect(asked()).toEqual([
      ['prepareConfig', { identity, format: '', text: '', restoreRevision: 0 }],
      ['createPlan', expect.objectContaining({ kind: 'config-rollback', params: { ...identity, sha256, revision: 0 } })],
    ]);
  });

  it.each([
    [{}, '/text'],
    [{ text: '{}', content: {} }, '/text'],
    [{ text: '{}', format: 'toml' }, '/format'],
    [{ text: '{}', expected_revision: -1 }, '/expected_revision'],
    [{ text: '{}', domain: 'weather' }, '/domain'],
    [{ text: '{}', scope: 'orgs/one' }, '/scope'],
  ])('is not planned from %j', async (given, pointer) => {
    const { status, body } = await post('plan/config/apply', { domain: 'routing', reason: 'why', ...given });
    expect([status, body]).toEqual([400, expect.objectContaining({ errors: [expect.objectContaining({ pointer })] })]);
    expect(asked()).toEqual([]);
  });

  it('makes no plan of a content that is refused', async () => {
    const errors = [{ pointer: '/routes/0/id', detail: 'must be there' }];
    stage.gateway.peers.answers = {
      prepareConfig: () => {
        throw new FairleadError('config_invalid', '/routes/0/id: must be there', { details: { errors, problems: 1 } });
      },
    };
    const { status, body } = await post('plan/config/apply', { domain: 'routing', text: '{}', reason: 'why' });
    expect([status, body]).toEqual([400, expect.objectContaining({ code: 'config_invalid', details: { problems: 1 }, errors })]);
    expect(asked().map(([method]) => method)).toEqual(['prepareConfig']);
  });

  it.each(['apply', 'rollback'])('is started (%s) by those who may write configuration, and does not wait its turn', async (how) => {
    stage.gateway.peers.answers = { startJob: () => ({ jobId: 'job_1', position: 42 }) };
    const body = { plan_digest: 'abc', reason: 'why' };
    expect((await post(`jobs/config/${how}`, body, stage.operator)).status).toBe(403);
    expect(
      (await post(`plan/config/${how}`, { domain: 'routing', revision: 1, text: '{}', reason: 'why' }, stage.operator)).status,
    ).not.toBe(201);
    expect(asked()).toEqual([]);
    expect(await post(`jobs/config/${how}`, body)).toMatchObject({ status: 202, body: { job_id: 'job_1' } });
    expect(asked()).toEqual([['startJob', expect.objectContaining({ kind: `config-${how}`, planDigest: 'abc', onConflict: 'reject' })]]);
  });

  it('is refused while another is under way: what it was planned from is about to move', async () => {
    stage.gateway.peers.answers = {
      startJob: () => {
        throw new FairleadError('lock_held', 'Job job_2 is already working on config/routing', { details: { job_id: 'job_2' } });
      },
    };
    const { status, body } = await post('jobs/config/apply', { plan_digest: 'abc', reason: 'why' });
    expect([status, body]).toEqual([412, expect.objectContaining({ code: 'plan_stale', details: { job_id: 'job_2' } })]);
  });
});
