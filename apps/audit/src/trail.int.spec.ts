import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { headPosition } from '@fairlead/event-log';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { jobEvent, meta, positionsOf, startStack, type Stack } from './audit.fixture.js';

// Real servers on a busy machine take their time.
let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
}, 120_000);

afterAll(() => stack.stop());

describe('the trail', () => {
  async function expectExactlyOnce(): Promise<number> {
    const head = await headPosition(stack.database.db);
    await eventually(async () => (await stack.list({ limit: 1 })).position === head, {
      timeoutMs: 20_000,
      what: `the trail at ${head}`,
    });
    const [row] = await stack.database.adminSql.query<{ events: number; records: number; same: number }>(
      `select (select count(*) from log.event) as events, (select count(*) from audit.record) as records,
         (select count(*) from log.event e join audit.record r using (position) where r.action = left(e.aggregate_type || '.' || e.type, 200) || case when length(e.aggregate_type || '.' || e.type) > 200 then '…' else '' end
            and r.time = date_trunc('milliseconds', e.recorded_at)) as same`,
    );
    expect(row).toEqual({ events: head, records: head, same: head });
    return head;
  }

  /** Appends 1,000 events, and while the trail takes them in ends its connections, or the service. */
  async function disturbedRound(jobId: string, disturb: () => Promise<void>): Promise<void> {
    const events = () => Array.from({ length: 25 }, () => jobEvent(jobId, 'step_started'));
    // A connection that was just ended may still be in the pool.
    const { position: before } = await eventually(() => stack.list({ limit: 1 }), { what: 'an answer' });
    const writing = Promise.all(Array.from({ length: 40 }, () => stack.append('job-orchestrator', ...events())));
    await eventually(async () => (await stack.list({ limit: 1 })).position > before, { intervalMs: 1, what: 'the trail moving' });
    await disturb();
    await writing;
  }

  it('keeps every event exactly once through restarts and lost connections in the middle, two of it running', async () => {
    const other = await stack.replica();
    const jobId = newId('job');
    try {
      for (let round = 0; round < 4; round++) {
        await disturbedRound(jobId, async () => {
          await stack.database.adminSql.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'fairlead-audit'`,
          );
        });
        await disturbedRound(jobId, stack.restart);
      }
    } finally {
      await other.stop();
    }
    await expectExactlyOnce();
    const [row] = await stack.database.adminSql.query<{ count: number }>('select count(*) from audit.record where job_id = $1', [jobId]);
    expect(row?.count).toBe(8_000);
  });

  it('relays the log to JetStream: sequence = position', async () => {
    const head = await expectExactlyOnce();
    const { evt } = stack.nats.messaging.topology.streams;
    const manager = await stack.nats.messaging.manager();
    await eventually(async () => (await manager.streams.info(evt.name)).state.last_seq === head, {
      timeoutMs: 20_000,
      what: `EVT at ${head}`,
    });
  });

  it('answers projection_lagging rather than an old answer, within its limit', async () => {
    const admin = stack.projectionsOf('admin');
    const { position: paused } = await admin.pauseProjection({ name: 'audit_record', reason: 'a test' });
    const startedAt = performance.now();
    await expect(stack.listOnce({ waitForPosition: paused })).rejects.toMatchObject({
      code: 'projection_lagging',
      details: { wanted: paused },
    });
    expect(performance.now() - startedAt).toBeGreaterThan(1_900);
    expect(performance.now() - startedAt).toBeLessThan(8_000);
    const event = { aggregateType: 'tenant', aggregateId: 'late', type: 'tenant_created', payload: {}, meta: meta() } as const;
    const position = await stack.append('placement', event);
    const waiting = stack.list({ waitForPosition: position, limit: 2 });
    const { position: resumed } = await admin.resumeProjection({ name: 'audit_record', reason: 'a test' });
    expect(positionsOf(await waiting)).toContain(position);
    await stack.list({ waitForPosition: resumed });
  });

  it('refuses at once to wait for what the log does not hold', async () => {
    const head = await headPosition(stack.database.db);
    await expect(stack.list({ waitForPosition: head + 1 })).rejects.toMatchObject({ code: 'log_behind', details: { position: head } });
  });

  it('shows its progress as metrics', async () => {
    await eventuallyHolds(
      async () => {
        const text = await (await fetch(`${stack.service().httpUrl}/metrics`)).text();
        expect(text).toMatch(/^fairlead_projection_position\{projection="audit_record"\} [1-9]\d*$/m);
        expect(text).toMatch(/^fairlead_relay_position [1-9]\d*$/m);
      },
      { what: 'both positions' },
    );
    expect((await fetch(`${stack.service().httpUrl}/ready`)).status).toBe(200);
  });
});
