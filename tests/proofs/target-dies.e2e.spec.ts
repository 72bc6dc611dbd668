/**
 * A migration whose target dies, hangs, is slow or unhealthy ends well at every step, and never with two owners.
 *
 * The job stands still just before or after a step's effect; then the target of one kind is disturbed and the job goes on.
 * Until the placement update has begun the job ends undone, and the origin serves although the target is still away. From then
 * on it goes forward when the target is back within the limit, and else asks for a person by step, attempt and reason;
 * once the target is back, the job that is tried again goes on to its end.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { placedKinds } from '@fairlead/contracts';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { Disturbed, migrationSteps, type MigrationStep, type StepPlace } from '../e2e/support/disturbed.js';
import type { Job } from '../e2e/support/operator.js';
import { proof } from '../e2e/support/proof.js';

const { full, shuffled, figures, raw } = proof();

/** What happens to the target: it dies, or accepts connections and answers nothing; or it only answers late, or says it is ill. */
const faults = { dead: { down: true }, frozen: { frozen: true }, slow: { delay_ms: 300 }, unhealthy: { health: 'unhealthy' } } as const;
const cures = { dead: { down: false }, frozen: { frozen: false }, slow: { delay_ms: 0 }, unhealthy: { health: 'healthy' } } as const;
type Fault = keyof typeof faults;
/** When it ends: while the step that needs the target is tried, once that has been given up, or once its undo has been given up too. */
type End = 'in time' | 'late' | 'too late';

const longMs = '120000';
/** Short limits only where they are meant to pass: no machine is too slow for the others. */
const limits: Record<End, { handOver: string; forward: string; undo: string }> = {
  'in time': { handOver: longMs, forward: longMs, undo: longMs },
  late: { handOver: '5000', forward: '10000', undo: longMs },
  'too late': { handOver: '5000', forward: longMs, undo: '5000' },
};

interface Case {
  fault: Fault;
  end: End;
  step: MigrationStep;
  place: StepPlace;
}

const at = ({ step, place }: Case) => migrationSteps.indexOf(step) * 2 + (place === 'after_effect' ? 1 : 0);
const place = (step: MigrationStep, which: StepPlace = 'before_attempt') => at({ step, place: which } as Case);

/** The steps that need the target, each up to its effect. */
const needing = ['preflight', 'hand-over', 'verify-copy', 'update-placement', 'resume', 'verify'] as const;
type Needing = (typeof needing)[number];

/** The step that needs the target next, when it is disturbed at a place; undefined when none does. */
function needy(one: Case): Needing | undefined {
  return needing.find((step) => at(one) <= place(step));
}

/** Steps after whose failure the job is undone, the hand-over with them. The last of them looks once and does not try again. */
const undoable: readonly (Needing | undefined)[] = ['hand-over', 'verify-copy', 'update-placement'];

function endsOf(step: Needing | undefined): readonly End[] {
  if (step === 'preflight' || step === undefined) return ['late'];
  if (step === 'update-placement') return ['late', 'too late'];
  return undoable.includes(step) ? ['in time', 'late', 'too late'] : ['in time', 'late'];
}

const places: readonly StepPlace[] = ['before_attempt', 'after_effect'];
const everywhere = migrationSteps.flatMap((step) => places.map((which) => ({ step, place: which })));
const beforeEffects = everywhere.filter(({ place: which }) => which === 'before_attempt');
const all: Case[] = [
  ...everywhere.map((where) => ({ fault: 'dead' as const, ...where })),
  ...beforeEffects.map((where) => ({ fault: 'frozen' as const, ...where })),
].flatMap((one) => endsOf(needy({ ...one, end: 'late' })).map((end) => ({ ...one, end })));
// These need no limit: the job goes on, or is refused at once.
all.push(
  ...beforeEffects.flatMap((where) => (['slow', 'unhealthy'] as const).map((fault) => ({ fault, end: 'in time' as const, ...where }))),
);

/** The short form: one of each sort. */
const mixed = shuffled(all);
const pick = (fits: (one: Case) => boolean) => mixed.filter(fits).slice(0, 1);
const some = [
  ...pick((one) => one.fault === 'dead' && needy(one) === 'hand-over' && one.end === 'late'),
  ...pick((one) => one.fault === 'dead' && needy(one) === 'verify-copy' && one.end === 'late'),
  ...pick((one) => one.fault === 'dead' && needy(one) === 'update-placement' && one.end === 'late'),
  ...pick((one) => one.fault === 'dead' && needy(one) === 'resume' && one.end === 'in time'),
  ...pick((one) => one.fault === 'dead' && needy(one) === 'resume' && one.end === 'late'),
  ...pick((one) => one.fault === 'frozen' && one.end === 'in time'),
  ...pick((one) => one.fault === 'slow'),
  ...pick((one) => one.fault === 'unhealthy'),
];
const cases = full ? all : some;
const ends = (Object.keys(limits) as End[]).filter((end) => cases.some((one) => one.end === end));

const gatewayFaults = [
  { name: 'dies and comes back', knobs: { down: true }, cure: { down: false } },
  { name: 'hangs', knobs: { frozen: true }, cure: { frozen: false } },
  { name: 'lags', knobs: { delay_ms: 1_500 }, cure: { delay_ms: 0 } },
];

let world: Disturbed;

/** A world of its own for what stands beside this call, with the limits that its cases need. */
function inWorld({ handOver, forward, undo }: (typeof limits)[End]): void {
  beforeAll(async () => {
    world = await Disturbed.start({
      MIGRATE_HANDOVER_TIMEOUT_MS: handOver,
      MIGRATE_FORWARD_TIMEOUT_MS: forward,
      MIGRATE_UNDO_TIMEOUT_MS: undo,
      FLEET_CALL_TIMEOUT_MS: '2000',
      FLEET_TRANSFER_TIMEOUT_MS: '2000',
    });
  }, 180_000);

  afterAll(async () => {
    await world.stack.stop();
  }, 60_000);
}

/** Waits until a step has failed and is tried again. */
async function triedAgain(jobId: string, name: string): Promise<void> {
  await eventually(async () => ((await world.ann.job(jobId)).steps.find((step) => step.name === name)?.attempts ?? 0) > 1, {
    timeoutMs: 60_000,
    what: `step ${name} to be tried again`,
  });
}

/** Nothing of a migration that was undone is left at the target; the origin serves. */
async function undone(tenant: string, from: Record<string, string>, to: Record<string, string>): Promise<void> {
  expect(await world.ann.placementOf(tenant)).toEqual(from);
  for (const kind of placedKinds) {
    expect(await world.stateOn(kind, from[kind] ?? '', tenant)).toBe('active');
    expect(['absent', 'moved']).toContain(await world.stateOn(kind, to[kind] ?? '', tenant));
  }
}

/** The tenant lives on its target, and the origin knows. */
async function moved(tenant: string, from: Record<string, string>, to: Record<string, string>): Promise<void> {
  expect(await world.ann.placementOf(tenant)).toEqual(to);
  for (const kind of placedKinds) {
    expect(await world.stateOn(kind, to[kind] ?? '', tenant)).toBe('active');
    expect(await world.stateOn(kind, from[kind] ?? '', tenant)).toBe('moved');
  }
}

const verdict = (job: Job) => ({ status: job.status, step: job.error?.step ?? null });

describe.each(ends)('back %s:', (end) => {
  inWorld(limits[end]);

  describe('the target', () => {
    targetCases(end);
  });
  if (end === 'in time') describe('a gateway, while the others are waited for,', gatewayCases);
});

function targetCases(end: End): void {
  it.each(cases.filter((one) => one.end === end).map((one) => [`is ${one.fault} at ${one.step} (${one.place})`, one] as const))(
    '%s',
    async (_name, one) => {
      const { ann } = world;
      const tenant = world.nextTenant();
      const [from, to] = [await ann.placementOf(tenant), await ann.elsewhere(tenant)];
      const [kind = 'aggregate'] = shuffled(placedKinds);
      const disturb = (knobs: Record<string, unknown>) => ann.turn(kind, to[kind] ?? '', knobs);
      const needs = one.fault === 'slow' ? undefined : one.fault === 'unhealthy' && needy(one) !== 'preflight' ? undefined : needy(one);
      const pause = world.pauseAt(one.step, one.place);
      const jobId = await ann.migrateSoon(tenant, to);
      await pause.reached();
      let job: Job;
      try {
        await disturb(faults[one.fault]);
        pause.release();
        if (needs !== undefined && needs !== 'preflight' && one.end === 'in time') {
          await triedAgain(jobId, needs);
          await disturb(cures[one.fault]);
        }
        if (undoable.includes(needs) && one.end !== 'in time') {
          // The origin serves while the target is still away.
          await eventually(async () => ['compensating', 'needs_attention'].includes((await ann.job(jobId)).status), {
            timeoutMs: 60_000,
            what: 'the undo to begin',
          });
          await world.served(tenant);
          if (one.end === 'late') await disturb(cures[one.fault]);
        }
        job = await ann.ended(jobId, 90_000);
      } finally {
        pause.release();
        await disturb(cures[one.fault]);
      }

      if (needs === undefined || (one.end === 'in time' && needs !== 'preflight')) {
        expect(verdict(job)).toEqual({ status: 'succeeded', step: null });
        await moved(tenant, from, to);
      } else if (needs === 'preflight' || (undoable.includes(needs) && one.end === 'late')) {
        expect(verdict(job)).toEqual({ status: 'failed', step: needs });
        await undone(tenant, from, to);
      } else {
        const back = undoable.includes(needs);
        expect(verdict(job)).toEqual({ status: 'needs_attention', step: back ? 'hand-over' : needs });
        expect(job.error?.attempt).toBeGreaterThan(back ? 0 : 1);
        expect(job.error?.message).toMatch(back ? /^undo of step hand-over failed: \S/ : /\S/);
        expect(await ann.placementOf(tenant)).toEqual(back ? from : to);
        const again = await ann.retry(jobId);
        expect(again.status).toBe(202);
        const second = await ann.ended(jobId, 60_000);
        expect(verdict(second)).toEqual(back ? { status: 'failed', step: needs } : { status: 'succeeded', step: null });
        await (back ? undone : moved)(tenant, from, to);
      }
      await world.served(tenant);
      await world.exact();
      raw.push({ ...one, kind, status: job.status, error: job.error });
      figures[job.status] = Number(figures[job.status] ?? 0) + 1;
    },
    240_000,
  );
}

function gatewayCases(): void {
  it.each(gatewayFaults.map((fault) => [fault.name, fault] as const))(
    '%s',
    async (_name, { name, knobs, cure }) => {
      const { ann } = world;
      const tenant = world.nextTenant();
      const [from, to] = [await ann.placementOf(tenant), await ann.elsewhere(tenant)];
      const pause = world.pauseAt('wait-gateways');
      const jobId = await ann.migrateSoon(tenant, to);
      await pause.reached();
      let job: Job;
      try {
        await ann.turn('gateway', 'gateway-2', knobs);
        pause.release();
        job = await ann.ended(jobId, 60_000);
      } finally {
        pause.release();
        await ann.turn('gateway', 'gateway-2', cure);
      }
      expect(verdict(job)).toEqual({ status: 'succeeded', step: null });
      await moved(tenant, from, to);
      await eventuallyHolds(
        async () => {
          const [first, second] = await world.applied();
          expect({ epoch: second?.epoch, revision: second?.revision }).toEqual({ epoch: first?.epoch, revision: first?.revision });
        },
        { what: 'the gateway to follow' },
      );
      await world.served(tenant);
      await world.exact();
      raw.push({ gateway: name, status: job.status });
      figures[job.status] = Number(figures[job.status] ?? 0) + 1;
    },
    120_000,
  );
}
