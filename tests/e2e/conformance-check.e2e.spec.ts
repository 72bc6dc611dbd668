/**
 * What tests/proofs/jobs-conformance holds kinds against, held against itself: the same function, over the engine in this process and
 * a toy kind, finds nothing wrong with steps that are safe to repeat and undo, and tells what is wrong with those that are not.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { failpointBoard, testFolder } from '@fairlead/testing';
import { boot, caller, db, ended, historyOf, start } from '../../apps/job-orchestrator/src/engine/bench.fixture.js';
import type { JobKind, Step, StepContext } from '../../apps/job-orchestrator/src/engine/kind.js';
import { step, toyKind, type Toy } from '../../apps/job-orchestrator/src/engine/toy.fixture.js';
import { retryJob } from '../../apps/job-orchestrator/src/retry-job.js';
import { cancelJob, type JobDependencies } from '../../apps/job-orchestrator/src/start-job.js';
import { conform, type Ground, type Verdict } from './support/conformance/conform.js';
import { casesOf, undisturbed, type Case } from './support/conformance/faults.js';

/** What the toy's steps change: counters, by name, and the keys of what was done. */
const counters = new Map<string, number>();
const done = new Set<string>();
const add = (name: string, by: number) => counters.set(name, (counters.get(name) ?? 0) + by);

const board = failpointBoard(testFolder('failpoints'));

beforeAll(() => {
  process.env['FAIRLEAD_FAILPOINTS'] = board.folder;
});

afterAll(() => {
  delete process.env['FAIRLEAD_FAILPOINTS'];
});

beforeEach(() => {
  counters.clear();
  done.clear();
});

const ok = Promise.resolve({ outcome: 'done' as const });

/** Counts once for each key, and takes back what was counted. */
const careful: Partial<Step<Toy>> = {
  run: ({ idempotencyKey }) => {
    if (!done.has(idempotencyKey)) add('count', 1);
    done.add(idempotencyKey);
    return ok;
  },
  undo: ({ idempotencyKey }) => {
    if (done.delete(idempotencyKey.replace(/:undo$/, ''))) add('count', -1);
    return ok;
  },
};

/** Counts at each run, whatever was done before. */
const careless: Partial<Step<Toy>> = {
  ...careful,
  run: ({ idempotencyKey }: StepContext<Toy>) => {
    add('count', 1);
    done.add(idempotencyKey);
    return ok;
  },
};

const kindOf = (parts: Partial<Step<Toy>>) =>
  toyKind([step('look', { undo: { none: 'it only looks' } }), step('count', parts), step('end')]);

function groundOf(deps: JobDependencies): Ground {
  return {
    board,
    settleMs: 200,
    prepare: () => Promise.resolve({ tenant: 'acme' }),
    begin: async () => (await start(deps, 'acme')).jobId,
    cancel: (jobId) => cancelJob(deps, { jobId, reason: 'conformance' }, caller()),
    retry: (jobId) => retryJob(deps, { jobId, reason: 'conformance' }, caller()),
    ended: async (jobId) => {
      const { job } = await ended(jobId);
      return [{ jobId, kind: job.kind, params: job.params as Record<string, unknown>, status: job.status }];
    },
    recovered: () => Promise.reject(new Error('nothing is killed in this process')),
    facts: async () => {
      const locks = await db.query<{ resource: string }>('select resource from lock');
      return {
        ...Object.fromEntries([...counters].filter(([, value]) => value !== 0).map(([name, value]) => [name, String(value)])),
        ...Object.fromEntries(locks.map(({ resource }) => [`lock ${resource}`, 'held'])),
      };
    },
    after: (_kind, _params, facts) => ({ ...facts, count: String(Number(facts['count'] ?? 0) + 1) }),
    stays: () => [],
    effects: () => Promise.resolve([]),
    history: async (jobId) => (await historyOf(jobId)).map((entry) => entry.split('>')[0] ?? ''),
  };
}

/** A kind through all that can be done to it in this process. */
async function verdictsOn(kind: JobKind, wanted: (given: Case) => boolean = () => true): Promise<Verdict[]> {
  const ground = groundOf(boot(kind));
  const cases = [undisturbed(kind), ...casesOf(kind).filter(({ disturbance }) => disturbance?.action !== 'kill')];
  const verdicts: Verdict[] = [];
  for (const given of cases.filter(wanted)) {
    counters.clear();
    done.clear();
    verdicts.push(await conform(ground, given, []));
  }
  return verdicts;
}

const problemsOf = (verdicts: readonly Verdict[]) =>
  verdicts.filter(({ problems }) => problems.length > 0).map(({ what, problems }) => [what, ...problems]);

describe('the check of the conformance suite', () => {
  it('finds nothing wrong with steps that are safe to repeat and to undo', async () => {
    const verdicts = await verdictsOn(kindOf(careful));
    expect(problemsOf(verdicts)).toEqual([]);
    expect(verdicts.length).toBeGreaterThan(30);
  }, 60_000);

  it('tells of a step that counts at each run', async () => {
    const verdicts = await verdictsOn(kindOf(careless), ({ index, direction, disturbance }) => {
      return direction === 'forward' && index === 1 && ['end_of_run', 'after_effect'].includes(disturbance?.place ?? '');
    });
    const twice = 'count is 2, not 1';
    expect(problemsOf(verdicts)).toEqual([
      ['toy: count throws after its work', twice],
      ['toy: count is timed out after its work', twice],
      ['toy: count is repeated, its outcome lost', twice],
    ]);
  });

  it.each([
    ['takes nothing back', 'count is 1, not away', () => ok],
    [
      'takes back too much',
      'count is -1, not away',
      () => {
        add('count', -1);
        return ok;
      },
    ],
  ])('tells of an undo that %s', async (_what, problem, undo) => {
    const verdicts = await verdictsOn(kindOf({ ...careful, undo }), ({ index, direction, disturbance }) => {
      return direction === 'undo' && index === 1 && disturbance?.place === 'after_effect' && disturbance.action === 'fail';
    });
    expect(problemsOf(verdicts)).toEqual([['toy: the undo of count is repeated, its outcome lost', problem]]);
  });

  it('tells of a job that does not end as its steps say', async () => {
    const once = step('count', { ...careful, retry: { maxAttempts: 1, baseDelayMs: 1, maxDelayMs: 1 } });
    const verdicts = await verdictsOn(toyKind([once]), ({ disturbance }) => disturbance?.sort === 'throws before its work');
    expect(problemsOf(verdicts)[0]).toEqual(['toy: count throws before its work', 'it was to end succeeded, and was failed']);
  });
});
