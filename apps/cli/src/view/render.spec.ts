import { describe, expect, it } from '@jest/globals';
import type { JobEvent, Placement, Plan, Snapshot, Tenant } from '../api.js';
import type { Job } from '../jobs-api.js';
import { expectGolden } from './golden.fixture.js';
import { renderJob, renderJobs } from './job.js';
import { renderAudit, renderPlacement, renderSnapshot, renderTenant, renderTenants } from './lists.js';
import { renderPlan } from './plan.js';
import { printable } from './text.js';
import { transitionRenderer } from './transitions.js';

const plan: Plan = {
  plan_id: 'plan_0199b6a1c0de7000a000000000000001',
  kind: 'tenant-migrate',
  digest: 'sha256-6f1c',
  actions: [
    {
      name: 'drain',
      description: 'stop new work of acme on runner runner-1',
      kind: 'runner',
      from_shard_id: 'runner-1',
      to_shard_id: 'runner-2',
    },
    { name: 'hand-over', description: "seal acme's state and copy it", kind: 'runner', from_shard_id: 'runner-1', to_shard_id: 'runner-2' },
  ],
  checks: [
    { name: 'target-ready', verdict: 'pass', value: '1 of 1 ready', limit: 'all', message: 'every endpoint of runner-2 is ready' },
    { name: 'target-lag', verdict: 'block', value: '5200', limit: '1000', message: 'the lag of runner-2 is too high' },
    { name: 'gateways', verdict: 'warn', value: '1 of 2', limit: '', message: 'gateway-2 does not answer' },
  ],
  impact: { tenants: ['acme'], services: ['runner/runner-1', 'runner/runner-2'], expected_pause_ms: 350 },
  expires_at: '2026-11-01T10:15:00.000Z',
};

const job: Job = {
  job_id: 'job_0199b6a1c0de7000a000000000000002',
  kind: 'tenant-migrate',
  status: 'failed',
  params: { tenant: 'acme', moves: { runner: 'runner-2' } },
  reason: 'make room',
  principal: 'user:usr_1',
  created_at: '2026-11-01T10:00:00.000Z',
  started_at: '2026-11-01T10:00:00.100Z',
  finished_at: '2026-11-01T10:00:04.000Z',
  blocked_by: null,
  error: { code: 'step_timeout', message: 'step drain was not done within 3000 ms', step: 'drain' },
  steps: [
    {
      name: 'preflight',
      status: 'succeeded',
      attempts: 1,
      undo_attempts: 0,
      started_at: '2026-11-01T10:00:00.100Z',
      finished_at: '2026-11-01T10:00:00.150Z',
      error: null,
    },
    {
      name: 'drain',
      status: 'undone',
      attempts: 2,
      undo_attempts: 1,
      started_at: '2026-11-01T10:00:00.150Z',
      finished_at: '2026-11-01T10:00:03.900Z',
      error: { code: 'step_timeout', message: 'not done within 3000 ms' },
    },
    { name: 'hand-over', status: 'skipped', attempts: 0, undo_attempts: 0, started_at: null, finished_at: null, error: null },
  ],
  correlation_id: 'cor_1',
  request_id: 'req_1',
};

const reloading: Job = {
  ...job,
  job_id: 'job_0199b6a1c0de7000a000000000000003',
  kind: 'reload',
  status: 'queued',
  params: { kind: 'runner', shard: 'runner-1' },
  started_at: null,
  finished_at: null,
  blocked_by: job.job_id,
  error: null,
  steps: [],
};

const resting: Job = {
  ...job,
  kind: 'tenants-migrate',
  status: 'waiting',
  params: { tenants: ['acme', 'umlaut'], moves: { runner: 'runner-2' } },
  finished_at: null,
  error: null,
  parent_id: 'job_0',
  note: '1 of 2 done, 1 running, 0 failed',
  waits_for: 'go',
  deadline: '2026-11-01T11:00:00.000Z',
  pause_requested: true,
  paused_at: '2026-11-01T10:00:05.000Z',
  paused_by: 'user:usr_2',
  overdue_at: '2026-11-01T11:00:03.000Z',
  steps: [],
};

const tenants: Tenant[] = [
  {
    tenant_id: 'acme',
    name: 'Acme Ltd',
    created_at: '2026-11-01T09:00:00.000Z',
    placement: { aggregate: { shard: 'aggregate-1', revision: 4 }, runner: { shard: 'runner-1', revision: 17 } },
  },
  { tenant_id: 'umlaut', name: 'Käse & Söhne', created_at: '2026-11-01T09:00:01.000Z', placement: {} },
];

const shard = (id: string) => ({
  endpoints: [{ endpoint_id: `${id}-a`, url: `http://127.0.0.1:9001/${id}` }],
  weight: 100,
  state: 'active',
  revision: 3,
  tenants: 12,
});
const placement: Placement = {
  epoch: 1,
  revision: 42,
  published_revision: 41,
  aggregate_placement: {},
  projection_placement: {},
  runner_placement: { acme: { shard: 'runner-1' } },
  shards: {
    gateway: { 'gateway-1': shard('gateway-1') },
    runner: { 'runner-1': shard('runner-1'), 'runner-2': { ...shard('runner-2'), state: 'cordoned', tenants: 0 } },
  },
};

const endpoint = {
  kind: 'runner',
  shard_id: 'runner-1',
  endpoint_id: 'runner-1-a',
  reachable: true,
  healthy: true,
  ready: true,
  version: '0.1.0',
  inflight: 3,
  lag: 0,
  taken_at: null,
  problem: null,
};
const snapshot: Snapshot = {
  taken_at: '2026-11-01T10:00:00.000Z',
  unreachable: 1,
  endpoints: [
    endpoint,
    { ...endpoint, shard_id: 'runner-2', endpoint_id: 'runner-2-a', ready: false, lag: 120 },
    { ...endpoint, shard_id: 'runner-3', endpoint_id: 'runner-3-a', healthy: false },
    { ...endpoint, shard_id: 'runner-4', endpoint_id: 'runner-4-a', reachable: false, version: null, problem: 'connection refused' },
  ],
};

describe('tables', () => {
  it.each([
    ['plan', () => renderPlan(plan)],
    ['job', () => renderJob(job)],
    ['job-waiting', () => renderJob(reloading)],
    ['job-paused', () => renderJob(resting)],
    ['plan-to-approve', () => renderPlan({ ...plan, needs_approval: true })],
    ['jobs', () => renderJobs([job, reloading])],
    ['tenants', () => renderTenants(tenants)],
    ['tenants-empty', () => renderTenants([])],
    ['tenant', () => renderTenant(tenants[0] ?? { tenant_id: '', placement: {} })],
    ['placement', () => renderPlacement(placement)],
    ['snapshot', () => renderSnapshot(snapshot)],
    [
      'audit',
      () =>
        renderAudit([
          {
            position: 812,
            time: '2026-11-01T10:00:00.200Z',
            action: 'service_command.drain_requested',
            outcome: 'requested',
            principal: 'user:usr_1',
            via: 'job-orchestrator',
            tenant_id: 'acme',
            resource_type: 'service_command',
            resource_id: 'runner/runner-1/acme',
            job_id: job.job_id,
            step: 'drain',
            reason: 'make room',
          },
          {
            position: 811,
            time: '2026-11-01T09:59:00.000Z',
            action: 'user.login_failed',
            outcome: 'failed',
            principal: 'anonymous',
            via: null,
            tenant_id: null,
            resource_type: 'user',
            resource_id: 'unknown',
            job_id: null,
            step: null,
            reason: null,
          },
        ]),
    ],
  ])('%s', (name, render) => {
    expectGolden(name, render());
  });

  it('lets no control character of a value reach the terminal', () => {
    const evil = '\u001b[2Jgone\r\nforged  line\u0007\u202e';
    expect(renderTenants([{ tenant_id: 'acme', name: evil, placement: {} }])).not.toMatch(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/,
    );
    expect(printable(evil)).toBe(' [2Jgone forged  line ');
  });
});

describe('transitions', () => {
  const at = (ms: number) => new Date(Date.parse('2026-11-01T10:00:00Z') + ms).toISOString();
  const event = (position: number, ms: number, type: string, payload: JobEvent['payload'] = {}): JobEvent => ({
    position,
    type,
    recorded_at: at(ms),
    step: payload?.step,
    payload,
  });

  it('tells each event of a job in one line', () => {
    const render = transitionRenderer('update-placement'.length);
    const events = [
      event(1, 0, 'job_queued'),
      event(2, 20, 'job_started'),
      event(3, 25, 'step_started', { step: 'drain', attempt: 1 }),
      event(4, 300, 'step_retrying', {
        step: 'drain',
        attempt: 1,
        delay_ms: 104.5,
        error: { code: 'service_unreachable', message: 'runner-1 does not answer' },
      }),
      event(5, 410, 'step_started', { step: 'drain', attempt: 2 }),
      event(6, 700, 'step_succeeded', { step: 'drain', attempt: 2, begins: { step: 'update-placement', attempt: 1 } }),
      event(7, 703, 'step_progressed', {
        step: 'migrate',
        attempt: 1,
        output: { total: 4, succeeded: 1, running: 2, failed: [{}], refused: {} },
      }),
      event(7, 704, 'step_progressed', { step: 'copy', attempt: 1, output: { rows: 7 } }),
      event(8, 800, 'step_failed', {
        step: 'update-placement',
        attempt: 1,
        error: { code: 'revision_mismatch', message: 'acme has moved' },
      }),
      event(9, 801, 'job_compensating', {
        error: { code: 'revision_mismatch', message: 'acme has moved' },
        begins: { step: 'drain', attempt: 1, undo: true },
      }),
      event(11, 900, 'step_undone', { step: 'drain', attempt: 1 }),
      event(12, 901, 'job_failed', { error: { code: 'revision_mismatch', message: 'acme has moved' } }),
      event(13, 902, 'job_needs_attention'),
    ];
    expectGolden('transitions', events.map(render).join(''));
  });
});
