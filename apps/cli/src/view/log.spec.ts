import { describe, expect, it } from '@jest/globals';
import type { LogStats, Projection, WholeEvent } from '../log-api.js';
import { expectGolden } from './golden.fixture.js';
import { renderEvent, renderEvents, renderFinding, renderStats } from './log.js';
import { renderProjection, renderProjections } from './projection.js';

const event: WholeEvent = {
  position: 4711,
  recorded_at: '2026-11-01T10:00:00.000Z',
  aggregate_type: 'job',
  aggregate_id: 'job_0199b6a1c0de7000a000000000000002',
  version: 3,
  type: 'step_failed',
  schema_version: 1,
  payload: { step: 'drain', attempt: 2, error: { code: 'step_timeout', message: 'not done within 3000 ms, whatever was tried' } },
  meta: { principal: 'user:usr_1', via: 'job-orchestrator', request_id: 'req_1', correlation_id: 'cor_1', step: 'drain' },
  previous_position: 4709,
  next_position: null,
};

const stats: LogStats = {
  head: 1_204_711,
  incarnation: '0199b6a1-c0de-7000-a000-000000000001',
  recorded_at: '2026-11-01T10:00:00.000Z',
  incarnations: [{ incarnation: '0199b6a1-c0de-7000-a000-000000000001', began_after: 0, began_at: '2026-10-01T10:00:00.000Z' }],
  rates: [
    { window: 'minute', events: 30, per_second: 0.5 },
    { window: 'hour', events: 90_000, per_second: 25 },
  ],
  types: [
    { aggregate_type: 'job', events: 1_100_000 },
    { aggregate_type: 'tenant', events: 104_711 },
  ],
  types_estimated: true,
  partitions: [
    { name: 'event_000000', from_position: 0, until_position: 1_000_000, sealed: true, bytes: 796_917_760, tablespace: 'cold' },
    {
      name: 'event_000001',
      from_position: 1_000_000,
      until_position: 2_000_000,
      sealed: false,
      bytes: 163_577_856,
      tablespace: 'pg_default',
    },
  ],
  stream: { name: 'EVT', first_position: 900_000, last_position: 1_204_710, messages: 304_711, bytes: 209_715_200, lag: 1 },
  projections: [{ name: 'audit_record', position: 1_204_700, lag: 11, state: 'running' }],
  tables: [{ name: 'command', rows_estimate: 400_000, bytes: 512 }],
};

const projection: Projection = {
  name: 'audit_record',
  owner: 'audit',
  state: 'stopped',
  paused: false,
  rebuild_requested: false,
  position: 4710,
  lag: 29,
  lag_seconds: 340,
  updated_at: '2026-11-01T10:00:00.000Z',
  epochs: [
    {
      epoch: 1,
      serving: true,
      version: 1,
      position: 4710,
      parts: 1,
      stopped: { position: 4711, reason: 'too long', part: 0, since: '2026-11-01T09:50:00.000Z' },
      rebuild: null,
    },
    {
      ...{ epoch: 2, serving: false, version: 1, position: 1_000, parts: 4, stopped: null },
      rebuild: { from: 0, head: 4739, events_per_second: 500, started_at: '2026-11-01T09:59:58.000Z' },
    },
  ],
};

describe('the log', () => {
  it.each<[string, () => string]>([
    ['log-events', () => renderEvents([event])],
    ['log-event', () => renderEvent(event)],
    ['log-stats', () => renderStats(stats)],
    ['log-stats-without-nats', () => renderStats({ ...stats, types_estimated: false, stream: null })],
    ['projections', () => renderProjections([projection])],
    ['projection', () => renderProjection(projection, new Date('2026-11-01T10:00:00.000Z'))],
    ['projection-paused', () => renderProjection({ ...projection, state: 'paused', paused: true, epochs: [] }, new Date())],
  ])('%s', (name, render) => {
    expectGolden(name, render());
  });

  it('lets no control character of a value reach the terminal', () => {
    const evil = '\u001b[2Jgone\r\u202e';
    const shown = [
      renderEvent({ ...event, aggregate_id: evil, payload: { [evil]: [evil] }, meta: { principal: evil } }),
      renderEvents([{ ...event, type: evil, payload: { evil } }]),
      renderFinding({ position: 1, kind: evil, message: evil, advice: evil }),
    ].join('');
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});
