// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the audit service answers
// is scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { auditV1, FairleadError } from '@fairlead/contracts';
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

const letter = auditV1.DeadLetter.fromPartial({
  sequence: 17,
  id: 'dead-1795246797320-17',
  consumer: 'fleet-observer',
  originalStream: 'EVT',
  originalSubject: 'evt.shard.runner-1.shard_changed',
  originalSequence: 205,
  deliveries: 5,
  replays: 1,
  error: 'no such shard',
  failedAt: '2026-11-21T10:00:00.000Z',
  payload: { type: 'shard_changed', payload: { weight: 2 } },
});
const view = {
  sequence: 17,
  dead_letter_id: 'dead-1795246797320-17',
  consumer: 'fleet-observer',
  original: { stream: 'EVT', subject: 'evt.shard.runner-1.shard_changed', sequence: 205 },
  deliveries: 5,
  replays: 1,
  error: 'no such shard',
  failed_at: '2026-11-21T10:00:00.000Z',
  payload: { type: 'shard_changed', payload: { weight: 2 } },
};
const path = '/admin/v1/dead-letters';
const requests = () => gateway.peers.calls.map(({ method, request }) => [method, request]);

describe('dead letters', () => {
  it('are listed page by page, of one consumer or all, and shown', async () => {
    gateway.peers.answers = { listDeadLetters: () => ({ letters: [letter], nextAfter: 17 }), getDeadLetter: () => ({ letter }) };
    const { body } = await gateway.call('GET', `${path}?consumer=fleet-observer&limit=1`, { token: viewer });
    expect(body).toEqual({ items: [view], next_cursor: expect.any(String) });
    await gateway.call('GET', `${path}?cursor=${String(body['next_cursor'])}`, { token: viewer });
    expect((await gateway.call('GET', `${path}/17`, { token: viewer })).body).toEqual(view);
    expect(requests()).toEqual([
      ['listDeadLetters', { limit: 1, after: 0, consumer: 'fleet-observer' }],
      ['listDeadLetters', { limit: 50, after: 17, consumer: '' }],
      ['getDeadLetter', { sequence: 17 }],
    ]);
    for (const bad of ['?consumer=a.b', '?consumer=*', '?cursor=x', '?limit=0', '?order=new', '/0', '/-1', '/x', '/1234567890123456']) {
      expect([bad, (await gateway.call('GET', `${path}${bad}`, { token: viewer })).status]).toEqual([bad, 400]);
    }
    expect(gateway.peers.calls).toHaveLength(3);
  });

  it.each([
    ['replay', 202, 'replayDeadLetter'],
    ['discard', 200, 'discardDeadLetter'],
  ])('take a %s from an admin who says why', async (way, status, method) => {
    gateway.peers.answers = { [method]: () => ({ letter, position: 9 }) };
    const settle = (token: string, body: unknown) => gateway.call('POST', `${path}/17/${way}`, { token, body });
    const answer = await settle(admin, { reason: ' shard is back ' });
    expect([answer.status, answer.body, answer.headers.get('x-fairlead-position')]).toEqual([status, view, '9']);
    expect(requests()).toEqual([[method, { sequence: 17, reason: 'shard is back' }]]);
    for (const token of [viewer, operator]) expect((await settle(token, { reason: 'x' })).status).toBe(403);
    for (const body of [undefined, {}, { reason: ' ' }, { reason: 'x'.repeat(501) }, { reason: 'x', force: true }]) {
      expect([body, (await settle(admin, body)).status]).toEqual([body, 400]);
    }
    expect((await gateway.call('POST', `${path}/0/${way}`, { token: admin, body: { reason: 'x' } })).body).toMatchObject({
      errors: [{ pointer: '/sequence' }],
    });
    expect(gateway.peers.calls).toHaveLength(1);
  });

  it.each([
    ['dead_letter_not_found', 404],
    ['dead_letter_settled', 409],
    ['consumer_gone', 409],
    ['version_conflict', 409],
    ['unavailable', 503],
  ] as const)('tell %s', async (code, status) => {
    gateway.peers.answers = {
      replayDeadLetter: () => {
        throw new FairleadError(code, 'it is so');
      },
    };
    const answer = await gateway.call('POST', `${path}/17/replay`, { token: admin, body: { reason: 'x' } });
    expect([answer.status, answer.body['code'], answer.body['detail']]).toEqual([status, code, 'it is so']);
  });
});
