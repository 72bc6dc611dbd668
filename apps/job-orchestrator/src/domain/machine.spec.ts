import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { backoffMs, isUndoable, nextAction, settle, type JobState, type Outcome, type StepRules } from './machine.js';

const error = { code: 'unavailable' as const, message: 'away' };

const rulesArbitrary = fc.array(
  fc.record({
    timeoutMs: fc.constant(1_000),
    retry: fc.record({ maxAttempts: fc.integer({ min: 1, max: 4 }), baseDelayMs: fc.constant(10), maxDelayMs: fc.constant(100) }),
    undoTimeoutMs: fc.constant(600_000),
    canUndo: fc.boolean(),
    pointOfNoReturn: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

const outcomeArbitrary: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ outcome: 'done' } as const) },
  fc.constant({ outcome: 'wait', delayMs: 5 } as const),
  fc.constant({ outcome: 'retry', error } as const),
  fc.constant({ outcome: 'failed', error } as const),
  fc.constant({ outcome: 'interrupted' } as const),
);

function initial(rules: readonly StepRules[]): JobState {
  return {
    direction: 'forward',
    cursor: 0,
    steps: rules.map((_, index) => ({
      name: `s${String(index)}`,
      status: 'pending',
      attempts: 0,
      undoAttempts: 0,
      failures: 0,
      undoFailures: 0,
    })),
  };
}

/** Drives a job with a script of outcomes and cancels, then with success alone, and tells all that was done. */
function drive(rules: readonly StepRules[], script: readonly { outcome: Outcome; cancel: boolean; pause: boolean; lateMs: number }[]) {
  let state = initial(rules);
  let cancelRequested = false;
  const ran: { direction: string; index: number; result: string; certain: boolean }[] = [];
  for (let turn = 0; turn < 500; turn++) {
    // A cancel is accepted only while everything can be undone, as the cancel RPC does.
    if (script[turn]?.cancel === true && isUndoable(state, rules)) cancelRequested = true;
    const next = nextAction(state, rules, { cancelRequested, pauseRequested: script[turn]?.pause === true, deadlinePassed: false });
    // Let go on at once: it is as if nothing had been asked.
    if (next.action === 'pause') continue;
    if (next.action === 'finish') return { state, ran, status: next.status, cancelRequested };
    if (next.action === 'move') {
      state = next.state;
      continue;
    }
    const lateMs = script[turn]?.lateMs ?? 0;
    state = {
      ...state,
      steps: state.steps.map((step, index) =>
        index !== next.index
          ? step
          : state.direction === 'forward'
            ? { ...step, status: 'running', attempts: step.attempts + 1, runningMs: (step.runningMs ?? 0) + lateMs }
            : { ...step, status: 'undoing', undoAttempts: step.undoAttempts + 1, undoRunningMs: (step.undoRunningMs ?? 0) + lateMs },
      ),
    };
    const outcome = script[turn]?.outcome ?? { outcome: 'done' as const };
    const direction = state.direction;
    const settled = settle(state, rules, outcome, 0.5);
    ran.push({ direction, index: next.index, result: settled.result, certain: outcome.outcome === 'failed' });
    state = settled.state;
    if (settled.finish !== undefined) return { state, ran, status: settled.finish.status, cancelRequested };
  }
  throw new Error('the job did not end');
}

const scriptArbitrary = fc.array(
  fc.record({ outcome: outcomeArbitrary, cancel: fc.boolean(), pause: fc.boolean(), lateMs: fc.constantFrom(0, 0, 400) }),
  {
    maxLength: 30,
  },
);

describe('the job state machine', () => {
  it('always ends, undoes in reverse, and never undoes past a point of no return', () => {
    fc.assert(
      fc.property(rulesArbitrary, scriptArbitrary, (rules, script) => {
        const { state, ran, status } = drive(rules, script);
        const forward = ran.filter((run) => run.direction === 'forward').map((run) => run.index);
        const undo = ran.filter((run) => run.direction === 'undo').map((run) => run.index);
        expect(forward).toEqual([...forward].sort((a, b) => a - b));
        expect(undo).toEqual([...undo].sort((a, b) => b - a));
        const begun = new Set(forward);
        for (const index of undo) expect(begun.has(index) && rules[index]?.canUndo).toBe(true);

        if (status === 'succeeded') {
          expect(state.steps.every((step) => step.status === 'succeeded')).toBe(true);
          expect(undo).toEqual([]);
        }
        const committed = ran.some(
          (run) => run.direction === 'forward' && rules[run.index]?.pointOfNoReturn === true && run.result === 'succeeded',
        );
        if (committed) expect(['succeeded', 'needs_attention']).toContain(status);
        if (committed) expect(undo).toEqual([]);
        if (status === 'failed' || status === 'cancelled') {
          // Undone: each begun step with an undo has been undone.
          state.steps.forEach((step, index) => {
            if (begun.has(index) && rules[index]?.canUndo === true) expect(step.status).toBe('undone');
            else expect(step.status).not.toBe('running');
          });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('asks for a person when a point of no return has an unknown outcome, and undoes when it says it did nothing', () => {
    const rule = {
      timeoutMs: 1_000,
      retry: { maxAttempts: 1, baseDelayMs: 1, maxDelayMs: 1 },
      undoTimeoutMs: 600_000,
      canUndo: true,
      pointOfNoReturn: false,
    };
    const rules = [rule, { ...rule, canUndo: false, pointOfNoReturn: true }];
    const plain = { cancel: false, pause: false, lateMs: 0 };
    const done = { outcome: { outcome: 'done' } as const, ...plain };
    expect(drive(rules, [done, { outcome: { outcome: 'retry', error }, ...plain }])).toMatchObject({
      status: 'needs_attention',
      ran: [{ index: 0 }, { index: 1 }],
    });
    expect(drive(rules, [done, { outcome: { outcome: 'failed', error }, ...plain }])).toMatchObject({
      status: 'failed',
      ran: [{ index: 0 }, { index: 1 }, { index: 0, direction: 'undo' }],
    });
  });

  it('does not count a crash as a failed attempt', () => {
    const rules = [
      {
        timeoutMs: 1_000,
        retry: { maxAttempts: 2, baseDelayMs: 1, maxDelayMs: 1 },
        undoTimeoutMs: 600_000,
        canUndo: true,
        pointOfNoReturn: false,
      },
    ];
    const crashed: JobState = {
      ...initial(rules),
      steps: [{ name: 's0', status: 'running', attempts: 7, undoAttempts: 0, failures: 0, undoFailures: 0 }],
    };
    expect(settle(crashed, rules, { outcome: 'retry', error }, 0)).toMatchObject({ result: 'retrying', state: { direction: 'forward' } });
  });

  it('backs off within its bounds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
        const delay = backoffMs({ maxAttempts: 9, baseDelayMs: 100, maxDelayMs: 2_000 }, attempt, random);
        expect(delay).toBeGreaterThanOrEqual(50);
        expect(delay).toBeLessThanOrEqual(2_000);
      }),
    );
  });
});
