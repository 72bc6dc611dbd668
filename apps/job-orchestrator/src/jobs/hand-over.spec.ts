import { describe, expect, it } from '@jest/globals';
import type { provisionerV1 } from '@fairlead/contracts';
import { copyProblem } from './hand-over.js';

const target = { kind: 'runner', toShardId: 'runner-2' };
const copy = (change: Partial<provisionerV1.TenantState> = {}): provisionerV1.TenantState => ({
  state: 'imported',
  inflight: 0,
  lag: 0,
  fence: 4,
  lastSeq: 9,
  ...change,
});

describe("a target's copy", () => {
  it('is right when it holds all that was handed over', () => {
    expect(copyProblem(target, copy(), 9)).toBeUndefined();
    expect(copyProblem(target, copy({ lastSeq: 0 }), 0)).toBeUndefined();
  });

  it.each([
    ['is gone', copy({ state: 'absent', lastSeq: 0 }), 'the tenant is absent on its target runner runner-2, not imported'],
    ['serves already', copy({ state: 'active' }), 'the tenant is active on its target runner runner-2, not imported'],
    ['is not told of', undefined, 'the tenant is unknown on its target runner runner-2, not imported'],
    ['ends too early', copy({ lastSeq: 8 }), 'the copy on runner runner-2 ends at 8, before the 9 handed over'],
  ])('is a problem when it %s', (_how, state, problem) => {
    expect(copyProblem(target, state, 9)).toBe(problem);
  });
});
