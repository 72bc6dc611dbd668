// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the services behind the
// gateway answer is scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FairleadError, jobsV1 } from '@fairlead/contracts';
import type { TestGateway } from '../testing/gateway.js';
import { startHttpStage, type HttpStage } from '../testing/http-stage.js';

let stage: HttpStage;
let gateway: TestGateway;
let viewer: string;
let operator: string;

beforeAll(async () => {
  stage = await startHttpStage();
  ({ gateway, viewer, operator } = stage);
}, 120_000);

afterAll(() => stage.stop());

beforeEach(() => {
  stage.reset();
});

const path = '/admin/v1/schedules';
const schedule = jobsV1.Schedule.fromPartial({
  scheduleId: 'sch_1',
  name: 'nightly',
  kind: 'reload',
  params: { kind: 'gateway', shard: 'gateway-1' },
  cron: '0 3 * * *',
  timeZone: 'Europe/Berlin',
  missed: 'skip',
  principal: 'user:usr_test',
  reason: 'new certificates',
  nextAt: '2026-11-22T02:00:00.000Z',
  lastError: { code: 'plan_blocked', message: 'not now' },
  createdAt: '2026-11-21T10:00:00.000Z',
});
const shown = {
  schedule_id: 'sch_1',
  name: 'nightly',
  kind: 'reload',
  params: { kind: 'gateway', shard: 'gateway-1' },
  cron: '0 3 * * *',
  time_zone: 'Europe/Berlin',
  missed: 'skip',
  principal: 'user:usr_test',
  reason: 'new certificates',
  created_at: '2026-11-21T10:00:00.000Z',
  next_at: '2026-11-22T02:00:00.000Z',
  paused_at: null,
  last_at: null,
  last_job_id: null,
  last_error: { code: 'plan_blocked', message: 'not now', step: null, attempt: 0 },
};

describe('schedules', () => {
  const body = {
    name: 'nightly',
    kind: 'reload',
    params: { kind: 'gateway', shard: 'gateway-1' },
    cron: '0 3 * * *',
    reason: 'new certificates',
  };

  it('are listed', async () => {
    gateway.peers.answers = { listSchedules: () => ({ schedules: [schedule] }) };
    const answer = await gateway.call('GET', path, { token: viewer });
    expect(answer).toMatchObject({ status: 200, body: { items: [shown], next_cursor: null } });
  });

  it('are made, and say where they are', async () => {
    gateway.peers.answers = { createSchedule: () => ({ schedule }) };
    const whole = { ...body, time_zone: 'Europe/Berlin', missed: 'skip' };
    const answer = await gateway.call('POST', path, { token: operator, body: whole, headers: { 'idempotency-key': 'one' } });
    expect([answer.status, answer.body, answer.headers.get('location')]).toEqual([201, shown, `${path}/nightly`]);
    await gateway.call('POST', path, { token: operator, body, headers: { 'idempotency-key': 'two' } });
    const { time_zone: timeZone, ...rest } = whole;
    expect(gateway.peers.calls.map(({ request }) => request)).toEqual([
      { ...rest, timeZone, idempotencyKey: 'one' },
      { ...body, timeZone: 'UTC', missed: 'once', idempotencyKey: 'two' },
    ]);
  });

  it.each<[object, string]>([
    [{ name: 'Nightly' }, '/name'],
    [{ kind: 'no kind' }, '/kind'],
    [{ params: [] }, '/params'],
    [{ cron: '' }, '/cron'],
    [{ missed: 'all' }, '/missed'],
    [{ reason: ' ' }, '/reason'],
  ])('refuse %j, naming the field', async (wrong, pointer) => {
    const answer = await gateway.call('POST', path, { token: operator, body: { ...body, ...wrong } });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument', errors: [{ pointer }] } });
    expect(gateway.peers.calls).toEqual([]);
  });

  it.each<[string, string, string]>([
    ['POST', `${path}/nightly/pause`, 'pause'],
    ['POST', `${path}/nightly/resume`, 'resume'],
    ['DELETE', `${path}/nightly`, 'delete'],
  ])('%s %s takes a reason and the permission', async (method, at, change) => {
    const answer = await gateway.call(method, at, { token: operator, body: { reason: 'not this week' } });
    expect([answer.status, answer.body]).toEqual([204, {}]);
    expect(gateway.peers.calls.map(({ request }) => request)).toEqual([{ schedule: 'nightly', change, reason: 'not this week' }]);
    expect(await gateway.call(method, at, { token: operator })).toMatchObject({ status: 400, body: { errors: [{ pointer: '/reason' }] } });
    expect((await gateway.call(method, at, { token: viewer, body: { reason: 'x' } })).status).toBe(403);
    expect(gateway.peers.calls).toHaveLength(1);
  });

  it('that are not there are not found', async () => {
    gateway.peers.answers = {
      changeSchedule: () => {
        throw new FairleadError('schedule_not_found', 'There is no schedule weekly');
      },
    };
    const answer = await gateway.call('DELETE', `${path}/weekly`, { token: operator, body: { reason: 'gone' } });
    expect(answer).toMatchObject({ status: 404, body: { code: 'schedule_not_found' } });
  });
});
