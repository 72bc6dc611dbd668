/**
 * Orchestrator, provisioner and placement are killed with SIGKILL at each step of a migration, or stopped and woken too late:
 * each migration ends by itself, no command is lost or doubled, no effect comes twice. Effects are counted from the ledgers
 * of the shards, which write one record for each thing they do, and from the event log.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import {
  CrashBench,
  effectsOfMigration,
  effectsOfUndone,
  effectText,
  leaseMs,
  victims,
  type Kill,
  type Migration,
  type Victim,
} from '../e2e/support/crash-bench.js';
import { migrationSteps } from '../e2e/support/disturbed.js';
import { send } from '../e2e/support/operator.js';
import { proof } from '../e2e/support/proof.js';

const { full, seed, atLeastMs, shuffled, figures, raw } = proof();
const fullMs = 60 * 60_000;

const places = ['before_attempt', 'after_effect', 'after_commit'];
const commandPlaces = ['before_record', 'before_effect', 'after_effect', 'after_commit'];

/** Each service at each step: before the attempt is written, after the effect and before its commit, after the commit. */
const atEachStep: Kill[] = victims.flatMap((victim) =>
  migrationSteps.flatMap((step) =>
    places.map((place): Kill => ({ victim, at: `job.tenant-migrate.${step}.${place}`, passer: 'job-orchestrator' })),
  ),
);
/** Provisioner and placement in the middle of what they do for a step. */
const inTheirWork: Kill[] = [
  ...['drain', 'hand_over', 'resume', 'drop_copy'].flatMap((operation) =>
    commandPlaces.map((place) => `provisioner.${operation}.${place}`),
  ),
  ...['move.before_commit', 'move.after_commit', 'publish.before', 'publish.after_chunks', 'publish.after_marker'].map(
    (place) => `placement.${place}`,
  ),
].map((at) => ({
  victim: at.startsWith('placement') ? 'placement' : 'provisioner',
  at,
  passer: at.startsWith('placement') ? 'placement' : 'provisioner',
}));
const inUndo: Kill[] = ['hand-over', 'drain'].flatMap((step) =>
  places.map((place): Kill => ({ victim: 'job-orchestrator', at: `job.tenant-migrate.${step}:undo.${place}`, passer: 'job-orchestrator' })),
);

let bench: CrashBench;
const moved: Migration[] = [];
const undone: Migration[] = [];
let kills = 0;
/** From the beginning of a migration that meets kills to its end. */
const durationsMs: number[] = [];

beforeAll(async () => {
  bench = await CrashBench.start();
}, 180_000);

afterEach(() => {
  bench.board.clear();
});

afterAll(async () => {
  await bench.stop();
}, 60_000);

/** One migration that meets these kills; answers when it has succeeded and all services are back. */
async function migrateThrough(met: readonly Kill[]): Promise<void> {
  const startedAtMs = performance.now();
  bench.arm(met);
  const migration = await bench.migrate();
  const died = await bench.killed(met);
  const job = await bench.ann.ended(migration.jobId, 120_000);
  const ms = Math.round(performance.now() - startedAtMs);
  raw.push({
    ...migration,
    kills: met,
    pids: died,
    status: job.status,
    ms,
    attempts: Object.fromEntries(job.steps.map((s) => [s.name, s.attempts])),
  });
  expect({ met, status: job.status, error: job.error }).toEqual({ met, status: 'succeeded', error: null });
  moved.push(migration);
  kills += died.length;
  durationsMs.push(ms);
  await bench.settled();
  expect(await bench.ann.placementOf(migration.tenant)).toEqual(migration.to);
  expect(await bench.ann.report()).toMatchObject({ lost: 0, doubled: 0, wrong_owner: 0 });
}

describe('kill -9', () => {
  // The short form meets all three services at steps, too: in one migration, below.
  const ofOwn = (victim: Victim) => shuffled(inTheirWork.filter((kill) => kill.victim === victim)).slice(0, 1);
  const matrix = full ? shuffled([...atEachStep, ...inTheirWork]) : [...ofOwn('provisioner'), ...ofOwn('placement')];

  it(
    `at ${String(matrix.length)} places, one in each migration: each goes on by itself`,
    async () => {
      for (const kill of matrix) await migrateThrough([kill]);
      figures['places'] = matrix.length;
    },
    full ? fullMs : 120_000,
  );

  it(
    'of all three in one migration',
    async () => {
      const until = performance.now() + atLeastMs;
      const rounds = full ? 5 : 1;
      for (let round = 0; round < rounds || performance.now() < until; round++) {
        await migrateThrough(victims.map((victim) => shuffled(atEachStep.filter((kill) => kill.victim === victim))[0]).filter(unlessSame));
      }
    },
    full ? fullMs + atLeastMs : 90_000,
  );

  it(
    'of the orchestrator while it undoes a cancelled migration',
    async () => {
      for (const kill of full ? inUndo : shuffled(inUndo).slice(0, 1)) {
        const gate = 'job.tenant-migrate.update-placement.before_attempt';
        bench.board.set(gate, 'pause');
        bench.arm([kill]);
        const migration = await bench.migrate();
        await bench.board.hit(gate);
        expect((await bench.ann.post(`/admin/v1/jobs/${migration.jobId}/cancel`, { reason: 'not today' })).status).toBeLessThan(300);
        bench.board.release(gate);
        kills += (await bench.killed([kill])).length;
        const job = await bench.ann.ended(migration.jobId, 120_000);
        raw.push({ ...migration, kills: [kill], status: job.status });
        expect({ kill, status: job.status }).toEqual({ kill, status: 'cancelled' });
        undone.push(migration);
        await bench.settled();
        expect(await bench.ann.placementOf(migration.tenant)).toEqual(migration.from);
      }
    },
    full ? fullMs : 90_000,
  );
});

/** Leaves out a kill at a place that another one before it has. */
function unlessSame(kill: Kill | undefined, index: number, all: readonly (Kill | undefined)[]): kill is Kill {
  return kill !== undefined && all.findIndex((other) => other?.at === kill.at) === index;
}

describe('a process that wakes up too late', () => {
  const atSteps = (place: string) => migrationSteps.map((step) => `job.tenant-migrate.${step}.${place}`);
  const early = atSteps('before_attempt');
  // When the last step has been committed there is nothing left to do too late.
  const late = [...atSteps('after_effect'), ...atSteps('after_commit').slice(0, -1)];
  const standstills = full ? [...early, ...late] : [early, late].flatMap((list) => shuffled(list).slice(0, 1));

  it(
    'an orchestrator whose lease has ended changes nothing',
    async () => {
      bench.stack.replica('job-orchestrator');
      await bench.pidOf('job-orchestrator-2');
      for (const at of standstills) {
        bench.board.set(at, 'pause');
        const migration = await bench.migrate();
        const { jobId } = migration;
        const stopped = await bench.board.hit(at);
        process.kill(stopped, 'SIGSTOP');
        try {
          bench.board.release(at);
          await eventually(async () => (await bench.records.job(jobId)).status === 'succeeded', {
            timeoutMs: 60_000,
            what: `the other orchestrator to end a migration that stood still at ${at}`,
          });
          const before = await whatIs(jobId);
          const lost = () => bench.records.logLines(jobId).filter((line) => line.includes('a job was lost'));
          expect(lost()).toEqual([]);
          process.kill(stopped, 'SIGCONT');
          await eventually(() => lost().length === 1, { timeoutMs: 30_000, what: 'the one that woke up to find its job lost' });
          // What it was about to write when it was stopped, it does write.
          if (at.endsWith('before_attempt')) expect(lost()[0]).toContain('a write was refused');
          expect(await whatIs(jobId)).toEqual(before);
        } finally {
          process.kill(stopped, 'SIGCONT');
        }
        moved.push(migration);
        raw.push({ ...migration, stopped_at: at, status: 'succeeded' });
      }
      figures['stopped_and_woken'] = standstills.length;
    },
    full ? fullMs : 90_000,
  );

  /** All that a job changes. */
  async function whatIs(jobId: string) {
    const [job, events, effects] = await Promise.all([bench.records.job(jobId), bench.records.events(), bench.effects(jobId)]);
    return { job, events: events.filter(({ meta }) => meta.job_id === jobId).map(({ position, type }) => [position, type]), effects };
  }

  it(
    'a command that comes late is refused by the shard',
    async () => {
      for (const operation of full ? ['drain', 'hand_over', 'resume', 'drop_copy'] : shuffled(['drain', 'hand_over']).slice(0, 1)) {
        const at = `provisioner.${operation}.before_effect`;
        bench.board.set(at, 'pause');
        const migration = await bench.migrate();
        await bench.board.hit(at);
        const heldUp = await bench.records.job(migration.jobId);
        // Its command is on its way when the orchestrator dies; the next claim's overtakes it.
        for (const name of ['job-orchestrator', 'job-orchestrator-2']) process.kill(await bench.pidOf(name), 'SIGKILL');
        await eventually(async () => (await bench.records.job(migration.jobId)).status === 'succeeded', {
          timeoutMs: 60_000,
          what: `the migration to succeed while a ${operation} is held up`,
        });
        // The attempt that sent it was begun again under a later claim.
        const after = await bench.records.job(migration.jobId);
        const [sent, again] = [heldUp.steps[heldUp.cursor], after.steps[heldUp.cursor]];
        expect(sent).toMatchObject({ fence: heldUp.fence, status: 'running' });
        expect(again?.fence).toBeGreaterThan(heldUp.fence);
        expect(again?.attempts).toBeGreaterThan(sent?.attempts ?? Infinity);
        expect(after.steps.at(-1)).toMatchObject({ fence: after.fence, status: 'succeeded' });
        const before = { effects: await bench.effects(migration.jobId), stale: await staleCommands(operation) };
        bench.board.release(at);
        await eventuallyHolds(
          async () => {
            expect(await staleCommands(operation)).toBe(before.stale + 1);
          },
          { what: 'the late command to be refused' },
        );
        expect(await bench.effects(migration.jobId)).toEqual(before.effects);
        moved.push(migration);
        raw.push({ ...migration, held_up: at, status: 'succeeded' });
        await bench.settled();
      }
    },
    full ? fullMs : 90_000,
  );

  async function staleCommands(operation: string): Promise<number> {
    const ports = JSON.parse(readFileSync(join(bench.stack.stateDir, 'ports.json'), 'utf8')) as Record<string, number>;
    const metrics = await (await fetch(`http://127.0.0.1:${String(ports['provisioner.http'])}/metrics`)).text();
    const line = new RegExp(`^fairlead_service_commands_total\\{operation="${operation}",outcome="stale_fence"\\} (\\d+)$`, 'm').exec(
      metrics,
    );
    return Number(line?.[1] ?? 0);
  }

  it('what was done is not done again, whether asked a second time or under a lower fence', async () => {
    const { jobId } = moved.at(-1) ?? { jobId: '' };
    const before = await bench.effects();
    const mine = before.filter(({ key }) => key.startsWith(`${jobId}:`));
    expect(mine).toHaveLength(15);
    const { body } = await send<{ items: { kind: string; shard_id: string; url: string }[] }>(`${bench.stack.simUrl}/sim/shards`);
    const token = readFileSync(join(bench.stack.stateDir, 'secrets/fleet-token'), 'utf8').trim();
    const refusals: Record<string, number> = {};
    for (const effect of mine) {
      const url = body.items.find(({ kind, shard_id: shard }) => `${kind}/${shard}` === effect.shard)?.url ?? '';
      for (const fence of [effect.fence, effect.fence - 1]) {
        const more = effect.op === 'import' ? copyOf(effect) : effect.op === 'drop' ? { moved_revision: 0 } : {};
        const answer = await send(`${url}/admin/tenants/${effect.tenant_id}/${effect.op}`, {
          method: 'POST',
          body: { idempotency_key: effect.key, fence, ...more },
          headers: { authorization: `Bearer ${token}` },
        });
        const outcome = answer.status === 200 ? 'repeated' : String(answer.body['code']);
        if (answer.status === 200) expect(answer.body).toMatchObject({ repeated: true });
        if (fence < effect.fence) expect(outcome).toBe('stale_fence');
        refusals[outcome] = (refusals[outcome] ?? 0) + 1;
      }
    }
    expect(await bench.effects()).toEqual(before);
    figures['asked_again'] = refusals;
  }, 60_000);

  function copyOf({ tenant_id: tenant, shard }: { tenant_id: string; shard: string }) {
    const data = JSON.stringify({ version: 1, tenant, kind: shard.split('/')[0], last_seq: 0, pending: [] });
    return { data, sha256: createHash('sha256').update(data).digest('hex') };
  }
});

describe('afterwards', () => {
  it('the ledgers of the shards hold each effect of each job once', async () => {
    const effects = await bench.effects();
    for (const [migrations, expected] of [
      [moved, effectsOfMigration],
      [undone, effectsOfUndone],
    ] as const) {
      for (const migration of migrations) {
        const done = effects.filter(({ key }) => key.startsWith(`${migration.jobId}:`)).map(effectText);
        expect({ jobId: migration.jobId, done: done.sort() }).toEqual({ jobId: migration.jobId, done: expected(migration).sort() });
      }
    }
    figures['effects'] = effects.length;
  }, 60_000);

  it('the log holds one move for each migration, one end for each step and job, one success for each command', async () => {
    const events = await bench.records.events();
    const moves = events.filter(({ type }) => type === 'tenant_moved').map(({ payload }) => Number(payload['revision']));
    const { body: placement } = await bench.ann.get<Record<string, unknown>>('/admin/v1/placement');
    expect(moves).toEqual(moves.map((_, index) => Number(placement['revision']) - moves.length + 1 + index));
    const count = (type: string, of: (payload: Record<string, unknown>) => boolean) =>
      events.filter((event) => event.type === type && of(event.payload)).length;
    for (const { jobId } of [...moved, ...undone]) {
      const own = events.filter(({ meta }) => meta.job_id === jobId);
      const ends = own.filter(({ type }) => ['job_succeeded', 'job_cancelled', 'job_failed', 'job_needs_attention'].includes(type));
      expect(ends.map(({ type }) => type)).toEqual([
        moved.some((migration) => migration.jobId === jobId) ? 'job_succeeded' : 'job_cancelled',
      ]);
      const done = own
        .filter(({ type }) => type === 'step_succeeded' || type === 'step_undone')
        .map(({ type, payload }) => `${type} ${String(payload['step'])}`);
      expect(new Set(done).size).toBe(done.length);
    }
    for (const { jobId } of moved)
      expect(count('tenant_moved', (payload) => payload['idempotency_key'] === `${jobId}:update-placement`)).toBe(1);
    for (const { jobId } of undone)
      expect(count('tenant_moved', (payload) => payload['idempotency_key'] === `${jobId}:update-placement`)).toBe(0);
    const succeeded = events.filter(({ type }) => type === 'command_succeeded').map(({ payload }) => String(payload['idempotency_key']));
    expect(new Set(succeeded).size).toBe(succeeded.length);
    expect(succeeded.filter((key) => moved.some(({ jobId }) => key.startsWith(`${jobId}:`)))).toHaveLength(moved.length * 12);
    figures['commands'] = {
      asked: count('command_issued', () => true),
      succeeded: succeeded.length,
      refused: count('command_failed', () => true),
    };
    figures['takeovers'] = count('job_taken_over', () => true);
  });

  it('no command of the load was lost, doubled or done by another than the owner', async () => {
    const { sent, applied, lost, doubled, wrong_owner: wrongOwner } = await bench.ann.reportAfter(200);
    Object.assign(figures, { seed, lease_ms: leaseMs, migrations: moved.length, undone: undone.length, kills });
    const sorted = durationsMs.toSorted((a, b) => a - b);
    figures['migration_with_kills_ms'] = { median: sorted[Math.floor(sorted.length / 2)], longest: sorted.at(-1) };
    Object.assign(figures, { sent, applied, lost, doubled, wrong_owner: wrongOwner });
    expect({ lost, doubled, wrongOwner }).toEqual({ lost: 0, doubled: 0, wrongOwner: 0 });
  }, 60_000);
});
