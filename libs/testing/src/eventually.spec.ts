import { describe, expect, it } from '@jest/globals';
import { eventually } from './eventually.js';

describe('eventually', () => {
  it('answers what the check answers once it stops throwing and answering nothing', async () => {
    const answers = [() => undefined, () => false, () => Promise.reject(new Error('not yet')), () => 0];
    const check = (): unknown => answers.shift()?.();
    expect(await eventually(check, { what: 'a zero', intervalMs: 1 })).toBe(0);
    expect(answers).toHaveLength(0);
  });

  it('says what it waited for and why that failed', async () => {
    const waiting = eventually(() => Promise.reject(new Error('lag is 7')), { what: 'lag 0', timeoutMs: 30, intervalMs: 5 });
    await expect(waiting).rejects.toThrow('Waited 30 ms for lag 0: lag is 7');
  });

  it('does not wait for a check that never answers', async () => {
    const never = new Promise<true>(() => undefined);
    await expect(eventually(() => never, { what: 'an answer', timeoutMs: 30 })).rejects.toThrow('the check did not answer in time');
  });
});
