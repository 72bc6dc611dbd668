import { describe, expect, it } from '@jest/globals';
import { keptFor } from './kept.js';

describe('keptFor', () => {
  it('makes one answer for all who ask while it is made, and for so long after', async () => {
    let [nowMs, made] = [0, 0];
    const answers: PromiseWithResolvers<number>[] = [];
    const ask = keptFor(
      5_000,
      () => {
        made += 1;
        const answer = Promise.withResolvers<number>();
        answers.push(answer);
        return answer.promise;
      },
      () => nowMs,
    );
    const all = Array.from({ length: 100 }, ask);
    nowMs = 60_000;
    const later = ask();
    answers[0]?.resolve(1);
    expect(await Promise.all([...all, later])).toEqual(Array<number>(101).fill(1));
    nowMs += 4_999;
    expect(await ask()).toBe(1);
    expect(made).toBe(1);
    nowMs += 1;
    const next = ask();
    answers[1]?.resolve(2);
    expect(await next).toBe(2);
  });

  it('keeps no failure', async () => {
    let made = 0;
    const ask = keptFor(5_000, () => {
      made += 1;
      return made === 1 ? Promise.reject(new Error('once')) : Promise.resolve(made);
    });
    await expect(ask()).rejects.toThrow('once');
    expect(await ask()).toBe(2);
  });
});
