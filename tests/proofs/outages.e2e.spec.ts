/**
 * Migrations outlast NATS that is stopped, NATS that comes back empty, and Postgres that is killed, at every step.
 *
 * The job stands still just before or after a step's effect; then the server is taken away, the job goes on without it, and
 * the server comes back. The job has to succeed without a person, and no command of any tenant may be lost, doubled or
 * done by a shard that does not own the tenant.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Disturbed, migrationSteps, type MigrationStep, type StepPlace } from '../e2e/support/disturbed.js';
import { proof } from '../e2e/support/proof.js';

const { full, shuffled, figures, raw } = proof();

type Outage = 'nats stopped' | 'nats wiped' | 'postgres killed';

interface Case {
  outage: Outage;
  step: MigrationStep;
  place: StepPlace;
  durationMs: number;
}

const places: readonly StepPlace[] = ['before_attempt', 'after_effect'];
/** How long the server stays away: NATS for as long as the project promises; in the short form so that connections break. */
const durations: Record<Outage, number> = full
  ? { 'nats stopped': 30_000, 'nats wiped': 3_000, 'postgres killed': 8_000 }
  : { 'nats stopped': 2_000, 'nats wiped': 500, 'postgres killed': 1_000 };
const outages = Object.keys(durations) as Outage[];

const all: Case[] = outages.flatMap((outage) =>
  migrationSteps.flatMap((step) => {
    // Half a minute each: one place of each step, by the seed.
    const chosen = outage === 'nats stopped' ? shuffled(places).slice(0, 1) : places;
    return chosen.map((place) => ({ outage, step, place, durationMs: durations[outage] }));
  }),
);
/** The short form: each outage at one step before and one from the point of no return on. */
const some = outages.flatMap((outage) => {
  const mine = shuffled(all.filter((one) => one.outage === outage));
  const late = (one: Case) => migrationSteps.indexOf(one.step) >= migrationSteps.indexOf('update-placement');
  return [mine.find((one) => !late(one)), mine.find(late)].filter((one) => one !== undefined);
});
const cases = full ? all : some;

let world: Disturbed;

beforeAll(async () => {
  world = await Disturbed.start();
}, 180_000);

afterAll(async () => {
  await world.stack.stop();
}, 60_000);

async function away(outage: Outage, whileAway: () => Promise<void>): Promise<void> {
  const hold = await world.stack.hold(outage === 'postgres killed' ? 'postgres' : 'nats', { wipe: outage === 'nats wiped' });
  try {
    await whileAway();
  } finally {
    await hold.release();
  }
}

describe('a migration goes on by itself and nothing is lost, doubled or wrongly owned', () => {
  it.each(cases.map((one) => [`${one.outage} at ${one.step} (${one.place})`, one] as const))(
    '%s',
    async (_name, { outage, step, place, durationMs }) => {
      const { ann } = world;
      const tenant = world.nextTenant();
      const to = await ann.elsewhere(tenant);
      const before = await world.gatewaysFollow();
      const failedBefore = (await ann.report()).tenants;
      const pause = world.pauseAt(step, place);
      const jobId = await ann.migrateSoon(tenant, to);
      await pause.reached();
      await away(outage, async () => {
        pause.release();
        await world.fleetServesFor(durationMs);
      });
      const job = await ann.ended(jobId, 120_000);
      expect({ status: job.status, error: job.error }).toEqual({ status: 'succeeded', error: null });
      expect(await ann.placementOf(tenant)).toEqual(to);
      // Gateways that had the move before NATS was lost agree at once; the placement published anew comes after that.
      const after = await world.gatewaysFollow(outage === 'nats wiped' ? before.epoch + 1 : before.epoch);
      expect(after.revision).toBeGreaterThan(before.revision);
      if (outage !== 'nats wiped') expect(after.epoch).toBe(before.epoch);
      await world.served(tenant);
      const report = await world.exact();
      // Who is not being moved does not notice.
      const others = Object.entries(report.tenants).filter(([name]) => name !== tenant);
      expect(others.filter(([name, tally]) => tally.failed > (failedBefore[name]?.failed ?? 0)).map(([name]) => name)).toEqual([]);
      await world.audited(job);
      const attempts = job.steps.find((one) => one.name === step)?.attempts ?? 0;
      const pauseMs = report.tenants[tenant]?.longest_pause_ms ?? 0;
      raw.push({ outage, step, place, durationMs, attempts, pause_ms: pauseMs, epoch: after.epoch });
      figures[outage] = Number(figures[outage] ?? 0) + 1;
      figures['longest_pause_ms'] = Math.max(Number(figures['longest_pause_ms'] ?? 0), pauseMs);
    },
    240_000,
  );
});
