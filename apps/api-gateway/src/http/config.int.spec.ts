// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the registry answers is scripted.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { configV1, FairleadError } from '@fairlead/contracts';
import { parse } from 'yaml';
import { startHttpStage, type HttpStage } from '../testing/http-stage.js';

const identity = { domain: 'routing', name: 'default', scope: 'platform' };
const revision = {
  ...{ identity, revision: 7, sha256: 'f00', source: 'api', state: 'effective' },
  ...{ updatedAt: '2026-11-22T10:00:00.000Z', updatedBy: 'user:usr_1', reason: 'more time' },
};
const view = {
  ...{ ...identity, revision: 7, sha256: 'f00', source: 'api', state: 'effective' },
  ...{ updated_at: '2026-11-22T10:00:00.000Z', updated_by: 'user:usr_1', reason: 'more time' },
};

let stage: HttpStage;

beforeAll(async () => {
  stage = await startHttpStage();
}, 120_000);
afterAll(() => stage.stop());
beforeEach(() => {
  stage.reset();
});

const get = (path: string, headers: Record<string, string> = {}) => stage.gateway.call('GET', path, { token: stage.viewer, headers });
const asked = () => stage.gateway.peers.calls.map(({ method, request }) => [method, request]);

describe('configuration', () => {
  it('is told as JSON, with its entity tag', async () => {
    stage.gateway.peers.answers = { getConfig: () => configV1.GetConfigResponse.fromPartial({ revision, content: '{"routes":[]}' }) };
    const answer = await get('/admin/v1/config/routing');
    expect(answer).toMatchObject({ status: 200, body: { ...view, content: { routes: [] }, candidate_revision: null } });
    expect(answer.headers.get('etag')).toBe('"7"');
    expect(asked()).toEqual([['getConfig', { identity }]]);
  });

  it('is told as YAML to those who ask for it', async () => {
    stage.gateway.peers.answers = { getConfigRevision: () => ({ revision, content: '{"routes":[{"id":"a"}]}' }) };
    const answer = await fetch(`${stage.gateway.service.httpUrl}/admin/v1/config/routing/revisions/7`, {
      headers: { authorization: `Bearer ${stage.viewer}`, accept: 'application/yaml' },
    });
    expect(answer.headers.get('content-type')).toBe('application/yaml; charset=utf-8');
    expect(parse(await answer.text())).toEqual({ ...view, content: { routes: [{ id: 'a' }] } });
  });

  it('is listed a page at a time', async () => {
    stage.gateway.peers.answers = { listConfig: () => ({ documents: [revision], more: true }) };
    const { body } = await get('/admin/v1/config?limit=1');
    const { items, next_cursor: cursor } = body as { items: unknown[]; next_cursor: string };
    expect(items).toEqual([view]);
    await get(`/admin/v1/config?limit=1&cursor=${cursor}`);
    expect(asked().map(([, request]) => request)).toMatchObject([{ limit: 1, after: undefined }, { after: identity }]);
  });

  it('has a history, of one tenant too', async () => {
    stage.gateway.peers.answers = { listConfigHistory: () => ({ revisions: [revision], more: true }) };
    const { body } = await get('/admin/v1/config/feature-flags/history?scope=tenants/acme&limit=1');
    const { next_cursor: cursor } = body as { next_cursor: string };
    await get(`/admin/v1/config/feature-flags/history?scope=tenants/acme&limit=1&cursor=${cursor}`);
    const ofAcme = { domain: 'feature-flags', name: 'default', scope: 'tenants/acme' };
    expect(asked().map(([, request]) => request)).toEqual([
      { identity: ofAcme, limit: 1, before: 0 },
      { identity: ofAcme, limit: 1, before: 7 },
    ]);
  });

  it('tells what two revisions differ in, with values as they are', async () => {
    const changes = [
      { op: 'changed', pointer: '/a', before: '1', after: 'null' },
      { op: 'removed', pointer: '/b', before: '{"c":true}', after: '' },
    ];
    stage.gateway.peers.answers = { diffConfig: () => ({ changes }) };
    const { body } = await get('/admin/v1/config/routing/diff?from=1&to=2');
    expect(body).toEqual({
      ...{ from: 1, to: 2 },
      changes: [
        { op: 'changed', pointer: '/a', before: 1, after: null },
        { op: 'removed', pointer: '/b', before: { c: true } },
      ],
    });
  });

  it('is judged at once, with everything that is wrong', async () => {
    const problems = [
      { pointer: '/routes/0/id', detail: 'x' },
      { pointer: '/nonsense', detail: 'is not known' },
    ];
    stage.gateway.peers.answers = {
      validateConfig: () => configV1.ValidateConfigResponse.fromPartial({ code: 'config_invalid', problems }),
    };
    const answer = await stage.gateway.call('POST', '/admin/v1/jobs/config/validate', {
      ...{ token: stage.viewer, body: { domain: 'routing', format: 'yaml', text: 'nonsense: 1' } },
    });
    expect(answer).toMatchObject({ status: 200, body: { valid: false, code: 'config_invalid', errors: problems, sha256: null } });
    expect(asked()).toEqual([['validateConfig', { identity, format: 'yaml', text: 'nonsense: 1' }]]);
  });

  it.each(['config_decode', 'config_invalid', 'config_source'] as const)('passes %s on as a problem with its pointers', async (code) => {
    const errors = [{ pointer: '/routes', detail: 'is wrong' }];
    stage.gateway.peers.answers = {
      getConfig: () => {
        throw new FairleadError(code, '/routes: is wrong', { details: { errors } });
      },
    };
    const status = code === 'config_source' ? 503 : 400;
    expect(await get('/admin/v1/config/routing')).toMatchObject({ status, body: { code, errors } });
  });

  it.each(['weather', 'routing?scope=acme', 'routing?name=A', 'routing/diff?from=1', 'routing/revisions/x', 'routing?cursor=1'])(
    'refuses /admin/v1/config/%s',
    async (path) => {
      expect(await get(`/admin/v1/config/${path}`)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
      expect(asked()).toEqual([]);
    },
  );
});
