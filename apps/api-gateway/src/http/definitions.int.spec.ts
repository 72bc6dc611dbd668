// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What placement answers is scripted.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { definitionV1, FairleadError } from '@fairlead/contracts';
import { parse } from 'yaml';
import { startHttpStage, type HttpStage } from '../testing/http-stage.js';

const sha256 = 'ab'.repeat(32);
const version = definitionV1.DefinitionVersion.fromPartial({
  ...{ name: 'charge-order', kind: 'saga', version: 3, sha256, description: 'charges', reason: 'more time' },
  ...{ createdAt: '2026-11-22T10:00:00.000Z', createdBy: 'user:usr_1' },
});
const view = {
  ...{ name: 'charge-order', kind: 'saga', version: 3, sha256, description: 'charges', reason: 'more time' },
  ...{ created_at: '2026-11-22T10:00:00.000Z', created_by: 'user:usr_1' },
  ...{ retired_at: null, retired_by: null, retired_reason: null },
};
const base = '/admin/v1/definitions';

let stage: HttpStage;

beforeAll(async () => {
  stage = await startHttpStage();
}, 120_000);
afterAll(() => stage.stop());
beforeEach(() => {
  stage.reset();
});

const get = (path: string) => stage.gateway.call('GET', path, { token: stage.viewer });
const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  stage.gateway.call('POST', path, { token: stage.admin, body, headers });
const asked = () => stage.gateway.peers.calls.map(({ method, request }) => [method, request]);

describe('definitions', () => {
  it('are told as JSON with their entity tag, and as YAML to those who ask for it', async () => {
    stage.gateway.peers.answers = { getDefinition: () => ({ version, content: '{"steps":[]}' }) };
    const answer = await get(`${base}/charge-order`);
    expect(answer).toMatchObject({ status: 200, body: { ...view, content: { steps: [] } } });
    expect(answer.headers.get('etag')).toBe('"3"');
    const yaml = await fetch(`${stage.gateway.service.httpUrl}${base}/charge-order/versions/3`, {
      headers: { authorization: `Bearer ${stage.viewer}`, accept: 'application/yaml' },
    });
    expect(yaml.headers.get('content-type')).toBe('application/yaml; charset=utf-8');
    expect(parse(await yaml.text())).toEqual({ ...view, content: { steps: [] } });
    expect(asked()).toEqual([
      ['getDefinition', { name: 'charge-order', version: 0 }],
      ['getDefinition', { name: 'charge-order', version: 3 }],
    ]);
  });

  it('are told by the hash of their content', async () => {
    stage.gateway.peers.answers = { getDefinitionContent: () => ({ version, content: '{}' }) };
    expect(await get(`/admin/v1/definition-contents/${sha256}`)).toMatchObject({ status: 200, body: { ...view, content: {} } });
    expect(asked()).toEqual([['getDefinitionContent', { sha256 }]]);
  });

  it.each([
    [base, 'listDefinitions', 'definitions', { after: 'charge-order' }],
    [`${base}/charge-order/versions`, 'listDefinitionVersions', 'versions', { before: 3 }],
  ])('are listed a page at a time: %s', async (path, method, field, next) => {
    stage.gateway.peers.answers = { [method]: () => ({ [field]: [version], more: true }) };
    const { body } = await get(`${path}?limit=1`);
    const { items, next_cursor: cursor } = body as { items: unknown[]; next_cursor: string };
    expect(items).toEqual([view]);
    await get(`${path}?limit=1&cursor=${cursor}`);
    expect(asked()[1]).toMatchObject([method, { limit: 1, ...next }]);
  });

  it('are listed by kind and the beginning of their name', async () => {
    await get(`${base}?kind=saga&name=charge`);
    expect(asked()).toEqual([['listDefinitions', { kind: 'saga', namePrefix: 'charge', limit: 50, after: '' }]]);
  });

  it('are listed by who is given which, a page at a time', async () => {
    const activations = [{ document: 'runner-activation/platform/default', tenantId: '', version: 0, staged: true, key: ':a:staged' }];
    stage.gateway.peers.answers = { listActivations: () => ({ activations, more: true }) };
    const { body } = await get(`${base}/charge-order/activations?limit=1`);
    const { items, next_cursor: cursor } = body as { items: unknown[]; next_cursor: string };
    expect(items).toEqual([{ document: 'runner-activation/platform/default', tenant_id: null, version: null, staged: true }]);
    await get(`${base}/charge-order/activations?limit=1&cursor=${cursor}`);
    expect(asked()[1]).toMatchObject(['listActivations', { name: 'charge-order', after: ':a:staged' }]);
  });

  it('are put by their text, with the key of the request', async () => {
    stage.gateway.peers.answers = { putDefinition: () => ({ version, added: true, position: 7 }) };
    const body = { format: 'yaml', text: 'name: charge-order', reason: 'more time' };
    const answer = await post(base, body, { 'idempotency-key': 'k-1' });
    expect(answer).toMatchObject({ status: 201, body: { ...view, added: true } });
    expect(answer.headers.get('location')).toBe(`${base}/charge-order/versions/3`);
    expect(asked()).toEqual([['putDefinition', { ...body, idempotencyKey: 'k-1' }]]);
  });

  it('are judged at once', async () => {
    const problems = [{ pointer: '/steps/0/id', detail: 'x' }];
    stage.gateway.peers.answers = {
      validateDefinition: () => definitionV1.ValidateDefinitionResponse.fromPartial({ code: 'config_invalid', problems }),
    };
    expect(await post(`${base}/validate`, { text: '{}' })).toMatchObject({
      status: 200,
      body: { valid: false, code: 'config_invalid', errors: problems, sha256: null, name: null, version: null },
    });
  });

  it('are told apart', async () => {
    stage.gateway.peers.answers = { diffDefinition: () => ({ changes: [{ op: 'added', pointer: '/a', before: '', after: '1' }] }) };
    const { body } = await get(`${base}/charge-order/diff?from=1&to=2`);
    expect(body).toEqual({ from: 1, to: 2, changes: [{ op: 'added', pointer: '/a', after: 1 }] });
  });

  it('are retired and restored, with a reason', async () => {
    const retired = { ...version, retiredAt: '2026-11-23T10:00:00.000Z', retiredBy: 'user:usr_2', retiredReason: 'no good' };
    stage.gateway.peers.answers = {
      retireDefinition: () => ({ version: retired, position: 9 }),
      restoreDefinition: () => ({ version, position: 10 }),
    };
    expect(await post(`${base}/charge-order/versions/3/retire`, { reason: 'no good' })).toMatchObject({
      status: 200,
      body: { ...view, retired_at: '2026-11-23T10:00:00.000Z', retired_by: 'user:usr_2', retired_reason: 'no good' },
    });
    expect(await post(`${base}/charge-order/versions/3/restore`, { reason: 'needed' })).toMatchObject({
      status: 200,
      body: { ...view, changed: true },
    });
    stage.gateway.peers.answers = { restoreDefinition: () => ({ version, position: 0 }) };
    expect(await post(`${base}/charge-order/versions/3/restore`, { reason: 'needed' })).toMatchObject({
      body: { ...view, changed: false },
    });
    stage.gateway.peers.answers = {
      retireDefinition: () => {
        throw new FairleadError('definition_in_use', 'it is active', { details: { tenants: ['acme'] } });
      },
    };
    expect(await post(`${base}/charge-order/versions/3/retire`, { reason: 'no good' })).toMatchObject({
      status: 409,
      body: { code: 'definition_in_use' },
    });
  });

  it.each([...['/Charge', '?kind=task', '?name=A', '/a/versions/0', '/a/diff?from=1', '/a/diff?from=0&to=1', '/a/versions?cursor=1']])(
    'refuse /admin/v1/definitions%s',
    async (path) => {
      expect(await get(`${base}${path}`)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
      expect(await get('/admin/v1/definition-contents/AB')).toMatchObject({ status: 400 });
      expect(asked()).toEqual([]);
    },
  );
});
