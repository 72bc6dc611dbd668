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
  const handed = { bytes: 80, sha256: 'sum-of-9', last_seq: 9 };
  const counted = { ...handed, entries: 4 };
  const told = { sha256: 'sum-of-9', entries: 4 };

  it('is right when it is the one that was handed over', () => {
    expect(copyProblem(target, copy(), handed)).toBeUndefined();
    expect(copyProblem(target, copy({ lastSeq: 0 }), { ...handed, last_seq: 0 })).toBeUndefined();
    expect(copyProblem(target, copy({ copy: told }), counted)).toBeUndefined();
    // An origin that does not count has nothing to hold against a target that does.
    expect(copyProblem(target, copy({ copy: { sha256: 'another', entries: 5 } }), handed)).toBeUndefined();
  });

  const other = 'the copy on runner runner-2 is not the one handed over: its';
  it.each([
    ['is gone', copy({ state: 'absent', lastSeq: 0 }), 'the tenant is absent on its target runner runner-2, not imported'],
    ['serves already', copy({ state: 'active' }), 'the tenant is active on its target runner runner-2, not imported'],
    ['is not told of', undefined, 'the tenant is unknown on its target runner runner-2, not imported'],
    ['ends too early', copy({ lastSeq: 8, copy: told }), `${other} last command is 8, not 9`],
    ['ends too late', copy({ lastSeq: 10, copy: told }), `${other} last command is 10, not 9`],
    ['has less in it', copy({ copy: { ...told, entries: 3 } }), `${other} count of entries is 3, not 4`],
    ['has something else in it', copy({ copy: { ...told, sha256: 'another' } }), `${other} checksum is another, not sum-of-9`],
    ['is not vouched for', copy(), `${other} count of entries is not told, not 4`],
  ])('is a problem when it %s', (_how, state, problem) => {
    expect(copyProblem(target, state, counted)).toBe(problem);
  });

  it('is a problem when nothing tells what was handed over', () => {
    expect(copyProblem(target, copy(), undefined)).toBe('nothing tells what was handed over to runner runner-2');
  });
});
