// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the audit service answers
// is scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { chainV1, FairleadError } from '@fairlead/contracts';
import type { TestGateway } from '../testing/gateway.js';
import { startHttpStage, type HttpStage } from '../testing/http-stage.js';

let stage: HttpStage;
let gateway: TestGateway;
let viewer: string;
let operator: string;
let admin: string;

beforeAll(async () => {
  stage = await startHttpStage();
  ({ gateway, viewer, operator, admin } = stage);
}, 120_000);

afterAll(() => stage.stop());

beforeEach(() => {
  stage.reset();
});

const requests = () => gateway.peers.calls.map(({ method, request }) => [method, request]);
const anchor = { position: 20, time: '2026-11-21T10:00:00.000Z', incarnation: 'i', kid: 'audit.x' };

describe('the audit chain', () => {
  it('tells where it stands', async () => {
    const chain = { head: 25, incarnation: 'i', position: 24, hash: 'ab', lag: 1, lagSeconds: 0.5, unanchored: 5, kept: ['file'] };
    gateway.peers.answers = { getChain: () => chainV1.GetChainResponse.fromPartial({ ...chain, anchor }) };
    const get = () => gateway.call('GET', '/admin/v1/audit/chain', { token: viewer });
    const shown = { head: 25, incarnation: 'i', position: 24, hash: 'ab', lag: 1, lag_seconds: 0.5, unanchored: 5, kept: ['file'] };
    expect((await get()).body).toEqual({ ...shown, anchor, stopped: null });
    gateway.peers.answers = { getChain: () => chainV1.GetChainResponse.fromPartial({ stopped: 'why' }) };
    expect((await get()).body).toMatchObject({ anchor: null, stopped: 'why' });
    expect((await gateway.call('GET', '/admin/v1/audit/chain')).status).toBe(401);
  });

  it('is verified part by part', async () => {
    const part = { cursor: 'c2', position: 9, head: 25, anchor, unanchored: 5, unanchoredSince: 't', source: 'file' };
    const restored = [{ incarnation: 'i', after: 4, lostUntil: 7, lostTime: 't' }];
    gateway.peers.answers = { verifyChain: () => chainV1.VerifyChainResponse.fromPartial({ ...part, restored }) };
    const verify = (body?: object) => gateway.call('POST', '/admin/v1/audit/verify', { token: viewer, body });
    expect(await verify()).toMatchObject({
      status: 200,
      body: {
        ...{ position: 9, head: 25, next: 'c2', broken: null, anchor, unanchored: 5, unanchored_since: 't', source: 'file' },
        restored: [{ incarnation: 'i', after: 4, lost_until: 7, lost_time: 't' }],
      },
    });
    const broken = { position: 0, kind: 'anchor_unreadable', message: 'm', advice: 'a' };
    gateway.peers.answers = { verifyChain: () => chainV1.VerifyChainResponse.fromPartial({ broken }) };
    expect((await verify({ cursor: 'c2' })).body).toMatchObject({
      next: null,
      broken: { ...broken, position: null },
      unanchored_since: null,
    });
    expect(requests()).toEqual([
      ['verifyChain', { cursor: '' }],
      ['verifyChain', { cursor: 'c2' }],
    ]);
    for (const body of [{ cursor: '' }, { cursor: 7 }, { repair: true }]) expect((await verify(body)).status).toBe(400);
    expect(gateway.peers.calls).toHaveLength(2);
  });
});

describe('an export of the audit trail', () => {
  const path = '/admin/v1/audit/export';
  const fetchIt = (query: string, token: string) =>
    fetch(`${gateway.service.httpUrl}${path}${query}`, { headers: { authorization: `Bearer ${token}` } });
  const piece = (text: string) => ({ lines: Buffer.from(text) });

  it('comes as lines, to an admin alone', async () => {
    gateway.peers.answers = {
      async *exportChain() {
        await Promise.resolve();
        yield piece('{"a":1}\n{"b":2}\n');
        yield piece('{"end":true}\n');
      },
    };
    const answer = await fetchIt('?from=3&to=9', admin);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    expect(await answer.text()).toBe('{"a":1}\n{"b":2}\n{"end":true}\n');
    await (await fetchIt('', admin)).text();
    expect(requests()).toEqual([
      ['exportChain', { fromPosition: 3, toPosition: 9 }],
      ['exportChain', { fromPosition: 0, toPosition: 0 }],
    ]);
    for (const token of [viewer, operator]) expect((await fetchIt('', token)).status).toBe(403);
    for (const query of ['?from=0', '?from=x', '?to=-1', '?from=5&to=4', '?all=1'])
      expect([query, (await fetchIt(query, admin)).status]).toEqual([query, 400]);
    expect(gateway.peers.calls).toHaveLength(2);
  });

  it('that is refused says so by its status; one that breaks off does not look whole', async () => {
    gateway.peers.answers = {
      // eslint-disable-next-line @typescript-eslint/require-await -- it throws before
      async *exportChain() {
        throw new FairleadError('invalid_argument', 'to: the audit chain has come to 7 only');
      },
    };
    const refused = await fetchIt('?to=9', admin);
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { code: 'invalid_argument', detail: 'to: the audit chain has come to 7 only' },
    ]);
    gateway.peers.answers = {
      async *exportChain() {
        await Promise.resolve();
        yield piece('{"a":1}\n');
        throw new FairleadError('unavailable', 'Postgres does not answer');
      },
    };
    await expect(fetchIt('', admin).then((answer) => answer.text())).rejects.toThrow();
  });
});
