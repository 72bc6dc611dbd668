/**
 * Rebalancing loses nothing: 200 tenants are brought to their share and a shard is emptied under load, while shards crash or hang and the
 * orchestrator, placement and provisioner are killed with SIGKILL.
 *
 * Two jobs run at the same time, of different kinds: one follows a new weight, the other empties a cordoned shard. Moments and victims are
 * the seed's, by how many migrations have succeeded. A job ends by itself: succeeded, or stopped where too many of its migrations had failed,
 * with the reason. Planned again when all is well, what is left is moved, and then there is nothing to move. The checker reads from the shards' own
 * ledgers that no command was lost, doubled or done by a shard that did not own the tenant; each shard is asked whom it serves.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { eventually } from '@fairlead/testing';
import { Disturbed } from '../e2e/support/disturbed.js';
import type { Job, Plan } from '../e2e/support/operator.js';
import { proof } from '../e2e/support/proof.js';

const { full, atLeastMs, random, shuffled, figures, raw } = proof();

const [tenants, shards, parallel] = [200, 4, 4];
/** Failed migrations at which a job stops. */
const stopAfter = 10;
/** Disturbances of a round. */
const disturbances = full ? 16 : 8;
const rounds = full ? 6 : 1;
const roundMs = 600_000;

interface Disturbance {
  /** Once so many migrations of the round have succeeded. */
  readonly at: number;
  readonly what: 'crash' | 'freeze' | 'kill';
  /** `kind/shard`, or a service. */
  readonly whom: string;
}

let world: Disturbed;

beforeAll(async () => {
  world = await Disturbed.start({
    ...{ SIM_TENANTS: String(tenants), SIM_SHARDS: String(shards), SIM_RATE: full ? '400' : '200' },
    ...{ JOB_LEASE_MS: '2000', MIGRATE_MAX_PAUSED: '2', FLEET_CALL_TIMEOUT_MS: '2000', FLEET_TRANSFER_TIMEOUT_MS: '2000' },
    ...{ MIGRATE_HANDOVER_TIMEOUT_MS: '120000', MIGRATE_FORWARD_TIMEOUT_MS: '120000', MIGRATE_UNDO_TIMEOUT_MS: '120000' },
    RATE_LIMIT_PER_MINUTE: '1000000',
  });
}, 240_000);

afterAll(async () => {
  await world.stack.stop();
}, 60_000);

type Wanted = Record<string, unknown> & { kind: PlacedKind };

/** Plans a rebalance as soon as placement and the fleet answer, and every tenant can move. */
function plan(wanted: Wanted): Promise<Plan> {
  return eventually(
    async () => {
      const body = { cooldown_seconds: 0, max_moves: tenants, parallel, stop_after_failures: stopAfter, reason: 'rebalance', ...wanted };
      const answer = await world.ann.post<Plan>('/admin/v1/plan/rebalance', body);
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      const blocks = answer.body.checks.filter(
        ({ name, verdict }) => verdict === 'block' || (name === 'no_tenant_left_out' && verdict === 'warn'),
      );
      if (blocks.length > 0) throw new Error(JSON.stringify(blocks));
      return answer.body;
    },
    { timeoutMs: 60_000, intervalMs: 250, what: `a plan of ${JSON.stringify(wanted)} that nothing blocks` },
  );
}

async function start({ digest }: Plan): Promise<string> {
  const { status, body } = await world.ann.post<{ job_id: string }>('/admin/v1/jobs/rebalance', {
    plan_digest: digest,
    reason: 'rebalance',
  });
  expect({ status, body }).toMatchObject({ status: 202 });
  return body.job_id;
}

interface ShardEntry {
  endpoints: unknown[];
  labels: Record<string, string>;
  weight: number;
  state: string;
}

/** Changes a shard's entry, whatever it is. */
async function putShard(kind: string, shard: string, change: Partial<ShardEntry>): Promise<void> {
  const { body } = await world.ann.get<{ shards: Record<string, Record<string, ShardEntry>> }>('/admin/v1/placement?tenants=false');
  const found = body.shards[kind]?.[shard];
  if (found === undefined) throw new Error(`there is no ${kind} ${shard}`);
  const { endpoints, labels } = found;
  expect((await world.ann.put(`/admin/v1/shards/${kind}/${shard}`, { endpoints, labels, ...change })).status).toBe(200);
}

const shardsOf = (kind: string) => Array.from({ length: shards }, (_, index) => `${kind}-${String(index + 1)}`);
const hasEnded = ({ status }: Job) => ['succeeded', 'failed', 'cancelled', 'needs_attention'].includes(status);
const migrationOf = ({ steps }: Job) => steps.find(({ name }) => name === 'migrate');
const succeededOf = (job: Job) => Number(migrationOf(job)?.output?.['succeeded'] ?? 0);

/** Disturbances of the seed's choice, in the order of their moments. */
function drawDisturbances(kinds: readonly PlacedKind[], moves: number): Disturbance[] {
  return Array.from({ length: disturbances }, () => Math.floor(random() * moves))
    .sort((a, b) => a - b)
    .map((at, index) => {
      const [service] = shuffled(['job-orchestrator', 'job-orchestrator', 'placement', 'provisioner']);
      if (index % 4 === 3 && service !== undefined) return { at, what: 'kill', whom: service };
      const [kind = 'runner'] = shuffled(kinds);
      const [shard = ''] = shuffled(shardsOf(kind));
      return { at, what: index % 4 === 2 ? 'freeze' : 'crash', whom: `${kind}/${shard}` };
    });
}

async function disturb({ what, whom }: Disturbance): Promise<void> {
  const [kind = '', shard = ''] = whom.split('/');
  if (what === 'crash') return world.ann.turn(kind, shard, { crash: { restart_ms: 300 + Math.floor(random() * 1_000) } });
  if (what === 'kill') {
    const pid = await eventually(() => world.stack.pids()[whom], { timeoutMs: 30_000, what: `${whom} to run` });
    process.kill(pid, 'SIGKILL');
    return;
  }
  await world.ann.turn(kind, shard, { frozen: true });
  await world.fleetServesFor(1_000);
  await world.ann.turn(kind, shard, { frozen: false });
}

/** Disturbs the jobs at their moments until they have ended, and answers them. */
async function endUnder(list: readonly Disturbance[], jobIds: readonly string[]): Promise<{ jobs: Job[]; met: Disturbance[] }> {
  const open = [...list];
  const met: Disturbance[] = [];
  return eventually(
    async () => {
      const jobs = await Promise.all(jobIds.map((jobId) => world.ann.job(jobId)));
      if (jobs.every(hasEnded)) return { jobs, met };
      const done = jobs.reduce((sum, job) => sum + succeededOf(job), 0);
      const next = open[0];
      if (next !== undefined && next.at <= done) {
        open.shift();
        await disturb(next);
        met.push(next);
      }
      throw new Error(JSON.stringify(jobs.map(({ status, steps }) => [status, steps.at(-1)])));
    },
    { timeoutMs: roundMs, intervalMs: 100, what: 'the jobs to end' },
  );
}

/** Moves what is left, with nobody in the way, until a plan has no moves. */
async function finish(wanted: Wanted): Promise<number> {
  for (let more = 0; more < 4; more += 1) {
    const made = await plan(wanted);
    if (made.actions.length === 0) return more;
    const job = await world.ann.ended(await start(made), roundMs);
    expect({ status: job.status, error: job.error }).toEqual({ status: 'succeeded', error: null });
  }
  const left = await plan(wanted);
  expect(left.actions).toEqual([]);
  return 4;
}

/** Each tenant is served by the shard that placement says, and by no other. */
async function owners(kinds: readonly PlacedKind[]): Promise<void> {
  const { body } = await world.ann.get<Record<string, Record<string, { shard: string }>>>('/admin/v1/placement');
  for (const kind of kinds)
    for (const [tenant, { shard }] of Object.entries(body[`${kind}_placement`] ?? {})) {
      const states = await Promise.all(shardsOf(kind).map(async (one) => [one, await world.stateOn(kind, one, tenant)] as const));
      for (const [one, state] of states)
        expect({ tenant, kind, one, state }).toEqual({
          ...{ tenant, kind, one },
          state: one === shard ? 'active' : (expect.stringMatching(/^(absent|moved)$/) as unknown),
        });
    }
}

async function round(number: number): Promise<void> {
  const [balanced = 'runner', emptied = 'aggregate'] = shuffled(placedKinds);
  const [heavy = ''] = shuffled(shardsOf(balanced));
  const [leaving = ''] = shuffled(shardsOf(emptied));
  await putShard(balanced, heavy, { weight: 2 });
  await putShard(emptied, leaving, { state: 'cordoned' });
  const wanted: Wanted[] = [{ kind: balanced }, { kind: emptied, mode: 'empty', shard: leaving }];
  const plans = [];
  for (const one of wanted) plans.push(await plan(one));
  const moves = plans.reduce((sum, { actions }) => sum + actions.length, 0);
  for (const { actions } of plans) expect(actions.length).toBeGreaterThan(0);

  const list = drawDisturbances([balanced, emptied], moves);
  const jobIds = [];
  for (const one of plans) jobIds.push(await start(one));
  const { jobs, met } = await endUnder(list, jobIds);
  for (const { status, error } of jobs)
    if (status !== 'succeeded')
      expect({ status, error }).toMatchObject({ status: 'failed', error: { code: 'children_failed', step: 'migrate' } });

  const again = [];
  for (const one of wanted) again.push(await finish(one));
  // With the shard emptied there is nothing to balance either: it takes no part.
  await finish({ kind: emptied });
  expect(
    Object.values(
      (await world.ann.get<Record<string, Record<string, { shard: string }>>>('/admin/v1/placement')).body[`${emptied}_placement`] ?? {},
    ).filter(({ shard }) => shard === leaving),
  ).toEqual([]);
  await owners([balanced, emptied]);
  const { sent, applied } = await world.exact();

  raw.push({
    round: number,
    wanted,
    moves,
    met,
    again,
    jobs: jobs.map(({ status, error, steps }) => ({ status, error, steps })),
    sent,
    applied,
  });
  const count = (name: string, more: number) => (figures[name] = Number(figures[name] ?? 0) + more);
  count('rounds', 1);
  count('moves_planned', moves);
  for (const what of ['crash', 'freeze', 'kill']) count(what, met.filter((one) => one.what === what).length);
  for (const { status } of jobs) count(`jobs_${status}`, 1);
  count(
    'jobs_to_finish',
    again.reduce((sum, more) => sum + more, 0),
  );
  Object.assign(figures, { sent, applied, lost: 0, doubled: 0, wrong_owner: 0 });
  await putShard(balanced, heavy, { weight: 1 });
  await putShard(emptied, leaving, { state: 'active' });
}

describe('200 tenants', () => {
  it(
    'are rebalanced, and a shard is emptied, while shards crash and services are killed',
    async () => {
      const until = performance.now() + atLeastMs;
      for (let number = 1; number <= rounds || performance.now() < until; number += 1) await round(number);
    },
    full ? rounds * 2 * roundMs + atLeastMs : roundMs,
  );
});
