// Real: Postgres with the event log, NATS, the gateway's HTTP server. Events are appended by the roles of the services that own them.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { roles } from '@fairlead/contracts';
import { eventually } from '@fairlead/testing';
import { startChangeStage, type ChangeStage } from '../testing/changes.js';

const path = '/admin/v1/fleet/events';
let stage: ChangeStage;

beforeAll(async () => {
  stage = await startChangeStage();
}, 120_000);

afterAll(() => stage.stop());
afterEach(() => {
  stage.closeStreams();
});

const meta = { principal: 'service:fleet-observer', request_id: 'req-1', correlation_id: 'cor-1' };
const where = { kind: 'runner', shard_id: 'runner-1', endpoint_id: 'a', url: 'http://127.0.0.1:1' };
const conditionChanged = (to: 'flapping' | 'steady') => ({
  aggregateType: 'endpoint' as const,
  aggregateId: 'runner.runner-1.a',
  type: 'endpoint_condition_changed' as const,
  payload: { ...where, from: 'steady' as const, to, state: 'ready' as const, taken_at: '2026-11-21T10:00:00.000Z' },
  meta,
});
const shardCreated = {
  aggregateType: 'shard' as const,
  aggregateId: 'runner/runner-9',
  type: 'shard_created' as const,
  payload: {
    ...{ kind: 'runner' as const, shard_id: 'runner-9', endpoints: [], weight: 1, labels: {}, state: 'active' as const },
    ...{ revision: 1, epoch: 1 },
  },
  meta,
};

describe('the events of the fleet', () => {
  it('are the changes of endpoints and nothing else, from a cursor on and live, and go on where a reader was cut off', async () => {
    const token = stage.reader(roles.viewer);
    const first = await stage.append(conditionChanged('flapping'));
    const stream = await stage.stream('?cursor=0', { path, token });
    expect([stream.response.status, stream.response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    await eventually(() => stream.changes().length === 1, { what: 'the change behind the cursor' });
    await stage.append(shardCreated);
    const second = await stage.append(conditionChanged('steady'));
    await eventually(() => stream.changes().length === 2, { what: 'the change that came meanwhile' });
    expect(stream.changes().map(({ position, type }) => [position, type])).toEqual([
      [first, 'endpoint_condition_changed'],
      [second, 'endpoint_condition_changed'],
    ]);
    const seen = stream.seen.find(({ type }) => type === 'change')?.id ?? '';
    const again = await stage.stream('?cursor=0', { path, token, headers: { 'last-event-id': seen } });
    await eventually(() => again.changes().length > 0, { what: 'what comes behind what was seen' });
    expect(again.changes().map(({ position }) => position)).toEqual([second]);
  });

  it('are for whoever may read the fleet, and begin at a cursor', async () => {
    const refused = async (query: string, token?: string) =>
      (await stage.gateway.call('GET', `${path}${query}`, token === undefined ? {} : { token })).status;
    expect(await refused('')).toBe(401);
    expect(await refused('', stage.reader(['change.read', 'tenant.read']))).toBe(403);
    expect(await refused('?cursor=yesterday', stage.reader(roles.viewer))).toBe(400);
    expect(await refused('?types=tenant.*', stage.reader(roles.viewer))).toBe(400);
  });
});
