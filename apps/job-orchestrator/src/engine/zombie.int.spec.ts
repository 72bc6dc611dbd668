/** A replica that is paused beyond its lease, as a process of its own: another one has its jobs, and awake again it changes nothing. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { generateSigningKey } from '@fairlead/auth';
import { eventually } from '@fairlead/testing';
import { loadJob } from '../store/jobs.js';
import { boot, database, db, ended, historyOf, leaseMs, start } from './bench.fixture.js';
import type { JobKind } from './kind.js';
import { step, toyKind } from './toy.fixture.js';

const fixture = (file: string) => fileURLToPath(new URL(`../../../../tests/e2e/support/${file}`, import.meta.url));
/** How long a step of the process works before its effect. */
const workMs = 800;

let sinkProcess: ChildProcess;
let sink: string;
let settings: Record<string, string>;
const processes: ChildProcess[] = [];

/** Starts a process; answers it with what it tells once it is ready. */
async function begin(file: string, env: Record<string, string> = {}): Promise<{ child: ChildProcess; told: Record<string, string> }> {
  const child = spawn(process.execPath, [fixture(file)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  processes.push(child);
  const [told] = (await once(child, 'message')) as [Record<string, string>];
  return { child, told };
}

beforeAll(async () => {
  const { child, told } = await begin('effect-sink.mjs');
  [sinkProcess, sink] = [child, told['url'] ?? ''];
  const key = await generateSigningKey('job-orchestrator');
  settings = {
    ...{ HTTP_PORT: '0', GRPC_PORT: '0', NATS_URL: 'nats://127.0.0.1:1' },
    ...{ SERVICE_KEY: JSON.stringify(key.privateJwk), TRUST_JWKS: JSON.stringify({ keys: [key.publicJwk] }) },
    ...{ DATABASE_URL: database.url, DATABASE_PASSWORD: database.password, JOB_LEASE_MS: String(leaseMs) },
    ...{ PLACEMENT_GRPC: '127.0.0.1:1', PROVISIONER_GRPC: '127.0.0.1:1', FLEET_OBSERVER_GRPC: '127.0.0.1:1' },
  };
}, 30_000);

afterEach(() => {
  for (const child of processes) if (child !== sinkProcess) child.kill('SIGKILL');
});

afterAll(() => {
  sinkProcess.kill('SIGKILL');
});

/** The kind of the process, whose steps act at the sink at once when they run here. */
function kind(): JobKind {
  const acting = (name: string) =>
    step(name, {
      run: async ({ idempotencyKey, fence, params }) => {
        const { tenant } = params;
        const body = JSON.stringify({ key: idempotencyKey, resource: `tenant/${tenant}`, fence });
        const response = await fetch(sink, { method: 'POST', body });
        if (response.status !== 200) throw new Error(`the sink answered ${String(response.status)}`);
        return { outcome: 'done' };
      },
    });
  // What runs in the process works for long, and looks at no signal.
  const params = z.object({ tenant: z.string() }).transform(({ tenant }) => ({ tenant, way: 'works', work_ms: workMs, rude: true }));
  return { ...toyKind([acting('take'), acting('act'), acting('settle')]), params };
}

const report = async () =>
  (await (await fetch(sink)).json()) as { applied: { key: string; fence: number }[]; refused: { key: string; fence: number }[] };
const lastHeartbeat = async (pid: number) =>
  (await db.query<{ at: number }>(`select extract(epoch from max(heartbeat_at))::float8 as at from replica where pid = $1`, [pid]))[0]
    ?.at ?? 0;
/** Everything that is stored of a job. */
const rowsOf = async (jobId: string) => [
  await db.query('select to_jsonb(j) from job j where job_id = $1', [jobId]),
  await db.query('select to_jsonb(s) from step s where job_id = $1 order by index', [jobId]),
  await historyOf(jobId),
];

/** A job in the hands of a process, in the run of its first step. */
async function jobInProcess(tenant: string) {
  const deps = boot(kind(), { engine: false });
  const { child } = await begin('job-replica.mjs', { REPLICA_SETTINGS: JSON.stringify({ settings, sink }) });
  const { jobId } = await start(deps, tenant);
  await eventually(async () => (await loadJob(db, jobId))?.steps[0]?.status === 'running', { what: 'the first step to run there' });
  return { jobId, child };
}

describe('a replica that is paused beyond its lease', () => {
  it('in the middle of a step: its late effect is refused, its job has ended elsewhere, and it writes nothing', async () => {
    const { jobId, child } = await jobInProcess('zombie');
    child.kill('SIGSTOP');
    // A lease that no stall of the machine outlasts: whoever takes the job over keeps it.
    boot(kind(), { leaseMs: 30_000 });
    const { job, steps } = await ended(jobId);
    expect(job.status).toBe('succeeded');
    expect(steps.map((s) => s.attempts)).toEqual([2, 1, 1]);
    expect(await historyOf(jobId)).toContain('job_taken_over>take');
    const before = [await rowsOf(jobId), await lastHeartbeat(child.pid ?? 0)] as const;

    child.kill('SIGCONT');
    const { refused, applied } = await eventually(
      async () => {
        const found = await report();
        return found.refused.some(({ key }) => key === `${jobId}:take`) && found;
      },
      { what: 'the late effect to come and be refused' },
    );
    expect(refused[0]?.fence).toBeLessThan(job.fence);
    expect(applied.filter(({ key }) => key.startsWith(jobId)).map(({ key, fence }) => [key, fence])).toEqual(
      ['take', 'act', 'settle'].map((name) => [`${jobId}:${name}`, job.fence]),
    );
    // It has come back under another id, and all it was about to write it would have written by then.
    await eventually(async () => (await lastHeartbeat(child.pid ?? 0)) > before[1], { what: 'it to be a replica again' });
    expect(await rowsOf(jobId)).toEqual(before[0]);
  }, 60_000);

  it('in the middle of a transaction: it holds up neither its job nor others for longer than its lease', async () => {
    const { jobId, child } = await jobInProcess('stuck');
    // Its next transition waits for the job's row, which is held here; the answer then finds the process paused.
    await db.transaction(async (tx) => {
      await tx.query('select from job where job_id = $1 for update', [jobId]);
      await eventually(
        async () =>
          (await db.query(`select from pg_stat_activity where wait_event_type = 'Lock' and query like '%write_beat%'`)).length > 0,
        { what: 'the transition to wait' },
      );
      child.kill('SIGSTOP');
    });
    const pausedAt = Date.now();
    boot(kind());
    expect((await ended(jobId)).job.status).toBe('succeeded');
    expect(Date.now() - pausedAt).toBeLessThan(2 * leaseMs);
    const before = await rowsOf(jobId);
    const beat = await lastHeartbeat(child.pid ?? 0);
    child.kill('SIGCONT');
    await eventually(async () => (await lastHeartbeat(child.pid ?? 0)) > beat, { what: 'it to be a replica again' });
    expect(await rowsOf(jobId)).toEqual(before);
  }, 60_000);
});
