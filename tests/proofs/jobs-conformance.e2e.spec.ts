/**
 * Every step of every kind of job, and every undo, is thrown out of, refused, timed out, killed and repeated: an undone job leaves
 * placement, KV and the fleet as they were, one that succeeded does what its plan says, once, and a crash alone ends in success.
 * A kind needs nothing for it but a sample of its parameters (tests/e2e/support/conformance/samples.ts).
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { configSchema } from '../../apps/job-orchestrator/src/config.js';
import type { ChildJobs } from '../../apps/job-orchestrator/src/engine/children.js';
import type { KindDependencies } from '../../apps/job-orchestrator/src/jobs/clients.js';
import { jobKinds } from '../../apps/job-orchestrator/src/jobs/index.js';
import { impurities } from '../../apps/job-orchestrator/src/jobs/plan-purity.fixture.js';
import { newestByName, parseParams } from '../../apps/job-orchestrator/src/plans.js';
import { conform, type Verdict } from '../e2e/support/conformance/conform.js';
import { casesOf, caseText, coveringCases, undisturbed, type Case } from '../e2e/support/conformance/faults.js';
import { FleetGround } from '../e2e/support/conformance/fleet-ground.js';
import { sampleOf, samples } from '../e2e/support/conformance/samples.js';
import { proof } from '../e2e/support/proof.js';

const { full, seed, shuffled, figures, raw } = proof();
const hourMs = 60 * 60_000;

const byDefault = (name: keyof typeof configSchema.shape) => configSchema.shape[name].parse(undefined) as number;
const settings = {
  maxLag: byDefault('MIGRATE_MAX_LAG'),
  maxInflight: byDefault('MIGRATE_MAX_INFLIGHT'),
  drainTimeoutMs: byDefault('DRAIN_TIMEOUT_MS'),
  handOverTimeoutMs: byDefault('MIGRATE_HANDOVER_TIMEOUT_MS'),
  forwardTimeoutMs: byDefault('MIGRATE_FORWARD_TIMEOUT_MS'),
  undoTimeoutMs: byDefault('MIGRATE_UNDO_TIMEOUT_MS'),
  maxPaused: byDefault('MIGRATE_MAX_PAUSED'),
};
const kindsOver = (deps: Partial<KindDependencies>) => jobKinds({ settings, ...deps } as KindDependencies, {} as ChildJobs);
const registered = kindsOver({});
/** Jobs are made of the newest version of each. */
const kinds = [...newestByName(registered).values()];
const names = kinds.map(({ kind }) => kind);

let ground: FleetGround;
/** What each kind does when it is left alone. */
const references = new Map<string, readonly string[]>();
const verdicts: Verdict[] = [];

beforeAll(async () => {
  ground = await FleetGround.start();
}, 180_000);

afterAll(async () => {
  await ground.stop();
}, 60_000);

async function passes(given: Case): Promise<void> {
  const startedAtMs = performance.now();
  const verdict = await conform(ground, given, references.get(given.kind.kind));
  const ms = Math.round(performance.now() - startedAtMs);
  verdicts.push(verdict);
  raw.push({ ...verdict, ms });
  expect({ what: verdict.what, job: verdict.jobId, problems: verdict.problems }).toEqual({
    what: verdict.what,
    job: verdict.jobId,
    problems: [],
  });
  if (given.disturbance === undefined) references.set(given.kind.kind, verdict.effects);
}

describe('the suite', () => {
  it('has a sample of every kind that the stack runs, and of no other', async () => {
    expect(await ground.registeredKinds()).toEqual(registered.map(({ kind, version }) => `${kind}:${String(version)}`).sort());
    expect(Object.keys(samples).sort()).toEqual(names.toSorted());
  });

  it('keeps only what has no undo of a job that was undone', () => {
    for (const { kind, steps } of kinds)
      for (const name of sampleOf(kind).stays ?? [])
        expect(steps.find((step) => step.name === name)?.undo).toMatchObject({ none: expect.any(String) });
  });
});

describe('each kind', () => {
  it.each(kinds.map((kind) => [kind.kind, kind] as const))(
    '%s, left alone, does what its plan says',
    (_name, kind) => passes(undisturbed(kind)),
    60_000,
  );

  it.each(names)(
    '%s plans from what it was given alone',
    async (name) => {
      const kind = newestByName(kindsOver({ ...ground.clients, sql: ground.jobsDb })).get(name);
      if (kind === undefined) throw new Error('each kind has its name');
      const params = parseParams(kind, await ground.prepare(name));
      expect(impurities(kind, params, await kind.readInputs(params))).toEqual([]);
    },
    60_000,
  );
});

const all = shuffled(kinds.flatMap(casesOf));
const toRun = full ? all : coveringCases(all);

describe.each(names)('%s', (name) => {
  it.each(toRun.filter(({ kind }) => kind.kind === name).map((given) => [caseText(given), given] as const))(
    '%s',
    (_text, given) => passes(given),
    full ? hourMs : 90_000,
  );
});

describe('afterwards', () => {
  it('nothing was done on a shard but in the name of a job', async () => {
    expect(await ground.strayEffects()).toEqual([]);
  });

  it('no command of the load was lost, doubled or done by another than the owner', async () => {
    const { sent, applied, lost, doubled, wrong_owner: wrongOwner } = await ground.bench.ann.reportAfter(200);
    Object.assign(figures, { seed, kinds: names.length, cases: verdicts.length, sent, applied, lost, doubled, wrong_owner: wrongOwner });
    expect({ lost, doubled, wrongOwner }).toEqual({ lost: 0, doubled: 0, wrongOwner: 0 });
  }, 60_000);
});
