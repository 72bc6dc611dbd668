// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the audit service answers
// is scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { chainV1, FairleadError } from '@fairlead/contracts';
import type { TestGateway } from '../testing/gateway.js';
import { startHttpStage, type HttpStage } from '../testing/http-stage.js';

let stage: HttpStage;
let gateway: TestGateway;

beforeAll(async () => {
  stage = await startHttpStage();
  ({ gateway } = stage);
}, 120_000);

afterAll(() => stage.stop());

beforeEach(() => {
  stage.reset();
});

const path = '/admin/v1/audit/segments';
const sealed = {
  sealedUntil: 40_000,
  droppedUntil: 20_000,
  segments: 2,
  bytes: 99,
  enabled: true,
  retentionDays: 30,
  segmentEvents: 20_000,
};
const shown = {
  ...{ enabled: true, sealed_until: 40_000, dropped_until: 20_000, segments: 2, bytes: 99, retention_days: 30, segment_events: 20_000 },
  ...{ asked_before: null, stopped: null, stopped_since: null },
};
const requests = () => gateway.peers.calls.map(({ method, request }) => [method, request]);

describe('the sealed segments', () => {
  it('are listed in pages, with how far sealing has come', async () => {
    const of = { fromPosition: 1, toPosition: 20_000, firstTime: 't1', lastTime: '', manifest: 'm', file: 'f', bytes: 9 };
    const segment = { ...of, sha256: 'ab', hash: 'cd', sealedAt: '2026-11-21T10:00:00.000Z' };
    gateway.peers.answers = {
      listSegments: () => chainV1.ListSegmentsResponse.fromPartial({ segments: [segment], nextAfter: 20_000, sealing: sealed }),
    };
    const { status, body } = await gateway.call('GET', `${path}?limit=1`, { token: stage.viewer });
    expect([status, body]).toEqual([
      200,
      {
        items: [
          {
            ...{ from: 1, to: 20_000, first_time: 't1', last_time: null, manifest: 'm', file: 'f', bytes: 9 },
            ...{ sha256: 'ab', hash: 'cd', sealed_at: '2026-11-21T10:00:00.000Z' },
          },
        ],
        next_cursor: expect.any(String),
        sealing: shown,
      },
    ]);
    await gateway.call('GET', `${path}?cursor=${String(body['next_cursor'])}`, { token: stage.viewer });
    expect(requests()).toEqual([
      ['listSegments', { after: 0, limit: 1 }],
      ['listSegments', { after: 20_000, limit: 50 }],
    ]);
  });

  it('are sealed at the word of an admin alone, with a reason', async () => {
    gateway.peers.answers = { sealTrail: () => chainV1.SealTrailResponse.fromPartial({ position: 7, sealing: sealed }) };
    const seal = (body: object, token = stage.admin) => gateway.call('POST', `${path}/seal`, { token, body });
    expect(await seal({ reason: 'the disk' })).toMatchObject({ status: 202, body: shown });
    expect(await seal({ reason: 'the disk', before: '2026-01-01T00:00:00Z' })).toMatchObject({ status: 202 });
    expect(requests()).toEqual([
      ['sealTrail', { before: '', reason: 'the disk' }],
      ['sealTrail', { before: '2026-01-01T00:00:00Z', reason: 'the disk' }],
    ]);
    for (const body of [{}, { reason: '' }, { reason: 'x', before: 'yesterday' }, { reason: 'x', until: 7 }])
      expect((await seal(body)).status).toBe(400);
    for (const token of [stage.viewer, stage.operator]) expect((await seal({ reason: 'x' }, token)).status).toBe(403);
    expect(gateway.peers.calls).toHaveLength(2);
    gateway.peers.answers = {
      sealTrail: () => {
        throw new FairleadError('unavailable', 'The trail is not sealed here: AUDIT_SEGMENT_FOLDER is not set');
      },
    };
    expect(await seal({ reason: 'x' })).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  });
});
