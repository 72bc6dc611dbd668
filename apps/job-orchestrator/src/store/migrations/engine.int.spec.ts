/** What the release before left behind goes on after its update. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isTerminal } from '@fairlead/contracts';
import { runMigrations } from '@fairlead/postgres';
import { createLogger, createMetrics } from '@fairlead/telemetry';
import { eventually, testDatabase, type TestDatabase } from '@fairlead/testing';
import { startEngine, type Engine } from '../../engine/engine.js';
import { createEngineMetrics } from '../../engine/metrics.js';
import { step, toyKind } from '../../engine/toy.fixture.js';
import { loadJob } from '../jobs.js';
import { Jobs1763700000000 } from './1763700000000-jobs.js';
import { migrations } from './index.js';

let database: TestDatabase;
let engine: Engine | undefined;

beforeAll(async () => {
  database = await testDatabase({ service: 'job-orchestrator', migrations: [Jobs1763700000000] });
}, 60_000);

afterAll(async () => {
  await engine?.stop();
  await database.drop();
});

const { query } = { query: (text: string, params: readonly unknown[] = []) => database.db.query(text, params) };

/** A job as the release before wrote it. */
async function job(id: string, tenant: string, status: string, running: boolean): Promise<void> {
  await query(
    `insert into job (job_id, kind, version, status, params, plan_id, plan_digest, reason, principal, scope, idempotency_key, payload_hash, locks, tenant_id,
       owner, fence, lease_until, deadline, request_id, correlation_id, traceparent, started_at, finished_at, cursor)
     values ($1, 'toy', 1, $2, $3::jsonb, 'plan_1', 'sha256:1', 'test', '{"id":"user:ann","name":"ann","grants":["tenant.migrate"]}', 'user:ann', $1, 'h', array[$4], $5,
       $6, nextval('job_fence'), case when $7 then now() + interval '5 s' end, now() + interval '1 hour', 'req_1', 'cor_1',
       '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', case when $2 <> 'queued' then now() end, case when $8 then now() end, 0)`,
    [id, status, JSON.stringify({ tenant }), `tenant/${tenant}`, tenant, running ? 'rep_before' : null, running, isTerminal(status)],
  );
  await query(`insert into step (job_id, index, name, status, attempts) values ($1, 0, 'one', $2, $3), ($1, 1, 'two', 'pending', 0)`, [
    id,
    running ? 'running' : isTerminal(status) ? 'failed' : 'pending',
    running ? 1 : 0,
  ]);
  if (running) {
    await query(`insert into lock (resource, job_id) values ($1, $2)`, [`tenant/${tenant}`, id]);
    await query(`insert into attempt (job_id, index, direction, number, fence, owner) values ($1, 0, 'forward', 1, 1, 'rep_before')`, [id]);
  }
}

describe('the update', () => {
  it('puts open jobs in line as they were, frees them of their replica, and lets all of them end in order', async () => {
    await query(
      `insert into plan (plan_id, kind, version, digest, canonical, body, reason, created_by, expires_at, request_id, correlation_id, trace_id)
       values ('plan_1', 'toy', 1, 'sha256:1', '{}', '{"actions":[],"checks":[],"inputs":[],"impact":{},"params":{}}', 'test', 'user:ann', now(), 'req_1', 'cor_1', 't')`,
    );
    await job('job_done', 'acme', 'succeeded', false);
    await job('job_running', 'acme', 'running', true);
    await job('job_second', 'acme', 'queued', false);
    await job('job_third', 'acme', 'queued', false);
    await job('job_other', 'globex', 'queued', false);
    await job('job_stuck', 'initech', 'needs_attention', false);
    await runMigrations({ ...database.admin, service: 'job-orchestrator', migrations });

    expect(await query(`select job_id, blocked, owner from job order by seq`)).toEqual([
      { job_id: 'job_done', blocked: 0, owner: null },
      { job_id: 'job_running', blocked: 0, owner: null },
      { job_id: 'job_second', blocked: 1, owner: null },
      { job_id: 'job_third', blocked: 1, owner: null },
      { job_id: 'job_other', blocked: 0, owner: null },
      { job_id: 'job_stuck', blocked: 0, owner: null },
    ]);
    expect(await query(`select resource, job_id from lock order by resource, seq`)).toEqual([
      { resource: 'tenant/acme', job_id: 'job_running' },
      { resource: 'tenant/acme', job_id: 'job_second' },
      { resource: 'tenant/acme', job_id: 'job_third' },
      { resource: 'tenant/globex', job_id: 'job_other' },
    ]);

    const logger = createLogger({ service: 'test', level: 'silent' });
    const metrics = createEngineMetrics(createMetrics({ service: 'job-orchestrator', version: '0', gitSha: '0', processMetrics: false }));
    const kinds = [toyKind([step('one'), step('two')])];
    engine = startEngine({
      db: database.db,
      kinds,
      logger,
      metrics,
      onAppended: () => undefined,
      // Attempts are counted: a replica that the machine leaves waiting for a whole lease gives its jobs up.
      leaseMs: 60_000,
      pollMs: 50,
      maxConcurrent: 10,
    });
    const ends = await Promise.all(
      ['job_running', 'job_second', 'job_third', 'job_other'].map((id) =>
        eventually(
          async () => {
            const loaded = await loadJob(database.db, id);
            return loaded?.job.status === 'succeeded' ? loaded : undefined;
          },
          { what: `${id} to succeed`, timeoutMs: 15_000 },
        ),
      ),
    );
    expect(ends[0]?.steps[0]?.attempts).toBe(2);
    const [first, second, third] = ends.map(({ job: ended }) => ended.finished_at?.getTime() ?? 0);
    expect([second, third]).toEqual([second, third].sort());
    expect(first).toBeLessThanOrEqual(second ?? 0);
    expect((await loadJob(database.db, 'job_stuck'))?.job.status).toBe('needs_attention');
    expect(await query('select 1 from lock')).toEqual([]);
  }, 30_000);
});
