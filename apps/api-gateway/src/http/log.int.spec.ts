// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the audit service answers
// is scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FairleadError, jobsV1, logV1, projectionsV1 } from '@fairlead/contracts';
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
const get = (path: string, token = viewer) => gateway.call('GET', path, { token });

const event = logV1.LogEvent.fromPartial({
  position: 17,
  aggregateType: 'job',
  aggregateId: 'job_1',
  version: 3,
  type: 'job_started',
  schemaVersion: 1,
  recordedAt: '2026-11-21T10:00:00.000Z',
  payloadJson: '{"deep":[[1]]}',
  metaJson: '{"principal":"user:usr_1"}',
});
const view = {
  position: 17,
  aggregate_type: 'job',
  aggregate_id: 'job_1',
  version: 3,
  type: 'job_started',
  schema_version: 1,
  recorded_at: '2026-11-21T10:00:00.000Z',
  payload: { deep: [[1]] },
  meta: { principal: 'user:usr_1' },
};

describe('events of the log', () => {
  const path = '/admin/v1/log/events';

  it('are listed page by page, with every filter', async () => {
    gateway.peers.answers = { listEvents: () => ({ events: [event], nextCursor: 17, head: 40 }) };
    const query =
      'order=oldest&from=3&to=30&type=job.*&aggregate=job:job_1&tenant=acme&principal=user:usr_1&request_id=r&correlation_id=c&trace_id=t&job_id=job_1&limit=1';
    const { body } = await get(`${path}?${query}`);
    expect(body).toEqual({ items: [view], next_cursor: expect.any(String), head: 40 });
    const filter = {
      ...{ limit: 1, oldestFirst: true, cursor: 0, fromPosition: 3, toPosition: 30, aggregateType: 'job', aggregateId: 'job_1' },
      ...{
        eventType: 'job.*',
        tenantId: 'acme',
        principal: 'user:usr_1',
        requestId: 'r',
        correlationId: 'c',
        traceId: 't',
        jobId: 'job_1',
      },
    };
    expect(requests()).toEqual([['listEvents', filter]]);
    await get(`${path}?${query}&cursor=${String(body['next_cursor'])}`);
    expect(requests()[1]).toEqual(['listEvents', { ...filter, cursor: 17 }]);
    // A cursor leads on in its own direction alone.
    expect((await get(`${path}?cursor=${String(body['next_cursor'])}`)).status).toBe(400);
    expect(gateway.peers.calls).toHaveLength(2);
  });

  it('are refused a query that makes no sense', async () => {
    const bad = [
      'order=up',
      'from=-1',
      'to=x',
      'type=job',
      'type=Job.*',
      'aggregate=Job:1',
      'aggregate=job:',
      'tenant=A',
      'limit=0',
      'what=1',
    ];
    for (const query of bad) expect([query, (await get(`${path}?${query}`)).status]).toEqual([query, 400]);
    for (const at of ['0', 'x', '-1']) expect((await get(`${path}/${at}`)).status).toBe(400);
    expect(gateway.peers.calls).toEqual([]);
  });

  it('are shown by position', async () => {
    gateway.peers.answers = { getEvent: () => ({ event, previousPosition: 9, nextPosition: 0 }) };
    expect((await get(`${path}/17`)).body).toEqual({ ...view, previous_position: 9, next_position: null });
    gateway.peers.answers = {
      getEvent: () => {
        throw new FairleadError('not_found', 'The log holds no event at position 17');
      },
    };
    expect(await get(`${path}/17`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await gateway.call('GET', `${path}/17`)).status).toBe(401);
  });
});

describe('the log', () => {
  it('tells its figures', async () => {
    const stats = logV1.GetStatsResponse.fromPartial({
      head: 40,
      incarnation: 'i',
      incarnations: [{ incarnation: 'i', beganAfter: 3, beganAt: '2026-11-21T10:00:00.000Z' }],
      rates: [{ window: 'minute', events: 6, perSecond: 0.1 }],
      types: [{ aggregateType: 'job', events: 40 }],
      typesEstimated: true,
      partitions: [{ name: 'event_000000', fromPosition: 0, untilPosition: 100, sealed: false, bytes: 8, tablespace: 'pg_default' }],
      projections: [{ name: 'audit_record', position: 39, lag: 1, state: 'running' }],
      tables: [{ name: 'stream', rowsEstimate: 4, bytes: 5 }],
    });
    gateway.peers.answers = { getStats: () => stats };
    expect((await get('/admin/v1/log/stats')).body).toEqual({
      ...{ head: 40, incarnation: 'i', recorded_at: null, types_estimated: true, stream: null },
      incarnations: [{ incarnation: 'i', began_after: 3, began_at: '2026-11-21T10:00:00.000Z' }],
      rates: [{ window: 'minute', events: 6, per_second: 0.1 }],
      types: [{ aggregate_type: 'job', events: 40 }],
      partitions: [{ name: 'event_000000', from_position: 0, until_position: 100, sealed: false, bytes: 8, tablespace: 'pg_default' }],
      projections: [{ name: 'audit_record', position: 39, lag: 1, state: 'running' }],
      tables: [{ name: 'stream', rows_estimate: 4, bytes: 5 }],
    });
  });

  it('is verified by ranges', async () => {
    const finding = { position: 0, kind: 'total_wrong', message: 'm', advice: 'a' };
    gateway.peers.answers = {
      verifyRange: () => ({
        fromPosition: 1,
        toPosition: 9,
        head: 40,
        nextPosition: 10,
        findings: [finding],
        streamCompared: 0,
        streamProblem: 'NATS',
      }),
    };
    const verify = (body?: object) => gateway.call('POST', '/admin/v1/log/verify', { token: viewer, body });
    expect(await verify({ from: 1, to: 20 })).toMatchObject({
      status: 200,
      body: { from: 1, to: 9, head: 40, next: 10, findings: [{ ...finding, position: null }], stream_compared: 0, stream_problem: 'NATS' },
    });
    expect((await verify()).status).toBe(200);
    expect(requests()).toEqual([
      ['verifyRange', { fromPosition: 1, toPosition: 20 }],
      ['verifyRange', { fromPosition: 0, toPosition: 0 }],
    ]);
    for (const body of [{ from: -1 }, { from: '1' }, { to: 1e15 }, { repair: true }]) expect((await verify(body)).status).toBe(400);
    expect(gateway.peers.calls).toHaveLength(2);
  });
});

describe('projections', () => {
  const path = '/admin/v1/projections';
  const stopped = { position: 17, reason: 'poison', part: 0, since: '2026-11-21T09:50:00.000Z' };
  const projection = projectionsV1.Projection.fromPartial({
    ...{
      name: 'audit_record',
      owner: 'audit',
      state: 'stopped',
      position: 16,
      lag: 24,
      lagSeconds: 2.5,
      updatedAt: '2026-11-21T10:00:00.000Z',
    },
    epochs: [
      { epoch: 1, serving: true, version: 1, position: 16, parts: 1, stopped },
      {
        epoch: 2,
        version: 2,
        position: 8,
        parts: 4,
        rebuild: { fromPosition: 0, head: 40, eventsPerSecond: 0, startedAt: '2026-11-21T10:00:00.000Z' },
      },
    ],
  });
  const shown = {
    ...{ name: 'audit_record', owner: 'audit', state: 'stopped', paused: false, rebuild_requested: false },
    ...{ position: 16, lag: 24, lag_seconds: 2.5, updated_at: '2026-11-21T10:00:00.000Z' },
    epochs: [
      { epoch: 1, serving: true, version: 1, position: 16, parts: 1, stopped, rebuild: null },
      {
        ...{ epoch: 2, serving: false, version: 2, position: 8, parts: 4, stopped: null },
        rebuild: { from: 0, head: 40, events_per_second: null, started_at: '2026-11-21T10:00:00.000Z' },
      },
    ],
  };

  it('are listed and shown', async () => {
    gateway.peers.answers = {
      listProjections: () => ({ projections: [projection], head: 40 }),
      getProjection: () => ({ projection, head: 40 }),
    };
    expect((await get(path)).body).toEqual({ items: [shown], next_cursor: null, head: 40 });
    expect((await get(`${path}/audit_record`)).body).toEqual({ ...shown, head: 40 });
    expect((await get(`${path}/Audit`)).status).toBe(400);
  });

  it.each([
    ['pause', 200, 'pauseProjection', {}, {}],
    ['resume', 200, 'resumeProjection', {}, {}],
    ['rebuild', 202, 'rebuildProjection', {}, {}],
    ['cancel-rebuild', 200, 'cancelRebuild', {}, {}],
    ['skip', 200, 'skipEvent', { position: 17 }, { position: 17, epoch: 0 }],
    ['skip', 200, 'skipEvent', { position: 17, epoch: 2 }, { position: 17, epoch: 2 }],
  ])('take a %s from an admin who says why', async (way, status, method, more, asked) => {
    gateway.peers.answers = { [method]: () => ({ projection, position: 41 }) };
    const decide = (token: string, body: unknown) => gateway.call('POST', `${path}/audit_record/${way}`, { token, body });
    const answer = await decide(admin, { ...more, reason: ' why ' });
    expect([answer.status, answer.body, answer.headers.get('x-fairlead-position')]).toEqual([status, shown, '41']);
    expect(requests()).toEqual([[method, { name: 'audit_record', reason: 'why', ...asked }]]);
    for (const token of [viewer, operator]) expect((await decide(token, { ...more, reason: 'x' })).status).toBe(403);
    for (const body of [undefined, {}, more, { ...more, reason: ' ' }, { ...more, reason: 'x', force: true }]) {
      expect([body, (await decide(admin, body)).status]).toEqual([body, 400]);
    }
    expect(gateway.peers.calls).toHaveLength(1);
  });

  it('tell why not', async () => {
    gateway.peers.answers = {
      pauseProjection: () => {
        throw new FairleadError('projection_state', 'Projection audit_record is paused already');
      },
    };
    const answer = await gateway.call('POST', `${path}/audit_record/pause`, { token: admin, body: { reason: 'x' } });
    expect([answer.status, answer.body['code']]).toEqual([409, 'projection_state']);
    expect((await gateway.call('POST', `${path}/audit_record/skip`, { token: admin, body: { reason: 'x', position: 0 } })).status).toBe(
      400,
    );
  });
});

describe('aggregates', () => {
  const path = '/admin/v1/log/aggregates';
  const aggregate = logV1.Aggregate.fromPartial({
    ...{ aggregateType: 'service_command', aggregateId: 'runner/runner-1/acme', version: 2, firstPosition: 3, lastPosition: 9 },
    ...{ firstTime: '2026-11-21T10:00:00.000Z', lastTime: '2026-11-21T10:00:01.000Z', eventCounts: { drained: 2 } },
    ...{ lastType: 'drained', lastPrincipal: 'user:usr_1' },
  });
  const shown = {
    ...{ aggregate_type: 'service_command', aggregate_id: 'runner/runner-1/acme', version: 2, first_position: 3, last_position: 9 },
    ...{ first_time: '2026-11-21T10:00:00.000Z', last_time: '2026-11-21T10:00:01.000Z', event_counts: { drained: 2 } },
    ...{ last_type: 'drained', last_principal: 'user:usr_1', tenant_id: null },
  };

  it('are listed and shown, whatever their id is', async () => {
    gateway.peers.answers = { listAggregates: () => ({ aggregates: [aggregate], nextBefore: 9 }), getAggregate: () => ({ aggregate }) };
    const { body } = await get(`${path}?type=service_command&prefix=runner/&limit=1&wait_for=9`);
    expect(body).toEqual({ items: [shown], next_cursor: expect.any(String) });
    await get(`${path}?cursor=${String(body['next_cursor'])}`);
    expect((await get(`${path}/service_command/${encodeURIComponent('runner/runner-1/acme')}?wait_for=9`)).body).toEqual(shown);
    expect(requests()).toEqual([
      ['listAggregates', { limit: 1, before: 0, aggregateType: 'service_command', idPrefix: 'runner/', waitForPosition: 9 }],
      ['listAggregates', { limit: 50, before: 9, aggregateType: '', idPrefix: '', waitForPosition: 0 }],
      ['getAggregate', { aggregateType: 'service_command', aggregateId: 'runner/runner-1/acme', waitForPosition: 9 }],
    ]);
    for (const bad of ['?type=Job', '?prefix=', '?wait_for=x', '/Job/1', '/job/1?x=1', `/job/${'x'.repeat(256)}`]) {
      expect([bad, (await get(`${path}${bad}`)).status]).toEqual([bad, 400]);
    }
    expect(gateway.peers.calls).toHaveLength(3);
  });
});

describe('what is stuck', () => {
  const path = '/admin/v1/stuck';
  const finding = { what: 'relay_behind', subject: 'EVT', severity: 'warning', since: '', message: 'm', advice: 'a' };
  const job = jobsV1.Job.fromPartial({
    jobId: 'job_1',
    kind: 'tenant-drain',
    startedAt: '2026-11-21T10:00:00.000Z',
    error: { message: 'no answer' },
  });
  const resting = jobsV1.Job.fromPartial({
    jobId: 'job_2',
    kind: 'tenant-migrate',
    pausedAt: '2026-11-21T11:00:00.000Z',
    pausedBy: 'user:usr_ada',
  });

  it('is told of the log and of jobs', async () => {
    gateway.peers.answers = {
      listStuck: () => ({ findings: [finding], notChecked: [{ what: 'relay', why: 'NATS' }] }),
      listJobs: ({ paused }: jobsV1.ListJobsRequest) => ({
        jobs: paused ? [{ ...resting, pausedAt: new Date().toISOString() }, resting] : [job],
        nextBefore: '',
      }),
    };
    expect((await get(path)).body).toEqual({
      items: [
        { ...finding, since: null },
        {
          ...{ what: 'job_needs_attention', subject: 'job_1', severity: 'critical', since: '2026-11-21T10:00:00.000Z' },
          ...{ message: 'tenant-drain: no answer', advice: expect.stringContaining('fairlead job retry job_1') },
        },
        {
          ...{ what: 'job_paused', subject: 'job_2', severity: 'warning', since: '2026-11-21T11:00:00.000Z' },
          ...{ message: 'tenant-migrate was paused by user:usr_ada', advice: expect.stringContaining('fairlead job unpause job_2') },
        },
      ],
      next_cursor: null,
      not_checked: [{ what: 'relay', why: 'NATS' }],
    });
    expect(requests()).toContainEqual(['listJobs', expect.objectContaining({ status: 'needs_attention' })]);
    expect((await gateway.call('GET', path)).status).toBe(401);
  });

  it('a part that does not answer is told, and harms no other', async () => {
    const fail = () => {
      throw new FairleadError('unavailable', 'the connection to Postgres was lost');
    };
    gateway.peers.answers = {
      listStuck: fail,
      listJobs: ({ paused }: jobsV1.ListJobsRequest) => ({ jobs: paused ? [] : [job], nextBefore: '' }),
    };
    expect((await get(path)).body).toMatchObject({ items: [{ subject: 'job_1' }], not_checked: [{ what: 'log' }] });
    gateway.peers.answers = { listStuck: () => ({ findings: [finding], notChecked: [] }), listJobs: fail };
    expect((await get(path)).body).toMatchObject({ items: [{ subject: 'EVT' }], not_checked: [{ what: 'jobs' }] });
  });
});
