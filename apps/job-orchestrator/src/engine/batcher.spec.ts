import { describe, expect, it } from '@jest/globals';
import { Apart, Batcher } from './batcher.js';

/** A batcher that tells what travelled together; the first call waits until it is let go. */
function gathering(bytesOf?: (item: number) => number) {
  const calls: number[][] = [];
  const { promise: go, resolve } = Promise.withResolvers<undefined>();
  const batcher = new Batcher<number, string>(async (items) => {
    calls.push([...items]);
    if (calls.length === 1) await go;
    if (items.includes(-1)) throw new Error('not that one');
    return items.map(String);
  }, bytesOf);
  return {
    batcher,
    calls,
    go: () => {
      resolve(undefined);
    },
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

describe('a batcher', () => {
  it('hands on together what came while a call was on its way, in its order', async () => {
    const { batcher, calls, go } = gathering();
    const first = batcher.do(0);
    await new Promise(setImmediate);
    const others = range(1, 5).map((item) => batcher.do(item));
    go();
    expect(await Promise.all([first, ...others])).toEqual(['0', '1', '2', '3', '4']);
    expect(calls).toEqual([[0], [1, 2, 3, 4]]);
  });

  it('hands on no more at once than 200, nor more than 4 MiB, but one that is larger by itself', async () => {
    const many = gathering();
    many.go();
    await Promise.all(range(0, 450).map((item) => many.batcher.do(item)));
    expect(many.calls.map(({ length }) => length)).toEqual([200, 200, 25, 25]);

    const large = gathering((item) => item * 1024 * 1024);
    large.go();
    await Promise.all([1, 2, 3, 9, 1, 1].map((item) => large.batcher.do(item)));
    expect(large.calls).toEqual([[1, 2], [3], [9], [1, 1]]);
  });

  it('makes a second call once 20 wait, and no third', async () => {
    const { batcher, calls, go } = gathering();
    const given = [batcher.do(0)];
    await new Promise(setImmediate);
    given.push(...range(1, 20).map((item) => batcher.do(item)));
    await new Promise(setImmediate);
    expect(calls).toHaveLength(1);
    given.push(batcher.do(20));
    await new Promise(setImmediate);
    expect(calls.map(({ length }) => length)).toEqual([1, 20]);
    go();
    await Promise.all(given);
    expect(calls).toHaveLength(2);
  });

  it('makes two calls of what comes at once, from 40 on', async () => {
    const { batcher, calls, go } = gathering();
    go();
    await Promise.all(range(0, 39).map((item) => batcher.do(item)));
    await Promise.all(range(0, 41).map((item) => batcher.do(item)));
    expect(calls.map(({ length }) => length)).toEqual([39, 21, 20]);
  });

  it('gives what has to be alone alone, and the others together without it', async () => {
    const calls: number[][] = [];
    const batcher = new Batcher<number, string>((items) => {
      calls.push([...items]);
      const odd = items.filter((item) => item % 2 === 1);
      if (odd.length > 0 && items.length > 1) throw new Apart(new Set(odd));
      return Promise.resolve(items.map(String));
    });
    expect(await Promise.all(range(0, 6).map((item) => batcher.do(item)))).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(calls).toEqual([[0, 1, 2, 3, 4, 5], [0, 2, 4], [1], [3], [5]]);
  });

  it('tries nothing again after a lost connection, since what it did is not known', async () => {
    let calls = 0;
    const batcher = new Batcher<number, string>(() => {
      calls += 1;
      throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
    });
    const ends = await Promise.allSettled(range(0, 5).map((item) => batcher.do(item)));
    expect([calls, ...ends.map(({ status }) => status)]).toEqual([1, ...range(0, 5).map(() => 'rejected')]);
  });

  it('fails one that can not be done alone', async () => {
    const { batcher, go } = gathering();
    go();
    const ends = await Promise.allSettled([1, -1, 2].map((item) => batcher.do(item)));
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});
