import { describe, expect, it } from '@jest/globals';
import { Turns } from './turns.js';

const never = new AbortController().signal;

describe('turns', () => {
  it('admit up to the limit, and the longest waiting next', async () => {
    const turns = new Turns(2, 60_000);
    expect(await Promise.all([turns.take('a', 1, never), turns.take('b', 1, never), turns.take('a', 1, never)])).toEqual([
      true,
      true,
      true,
    ]);
    const order: string[] = [];
    const waiting = ['c', 'd'].map(async (jobId) => {
      expect(await turns.take(jobId, 60_000, never)).toBe(true);
      order.push(jobId);
    });
    turns.give('a');
    turns.give('unknown');
    await waiting[0];
    expect(order).toEqual(['c']);
    turns.give('b');
    await waiting[1];
    expect(order).toEqual(['c', 'd']);
  });

  it('end by themselves, so that a stuck one holds nobody up', async () => {
    const turns = new Turns(1, 10);
    await turns.take('stuck', 1, never);
    expect(await turns.take('next', 60_000, never)).toBe(true);
  });

  it('say so when there is none in time, and let go of who is interrupted', async () => {
    const turns = new Turns(1, 60_000);
    await turns.take('a', 1, never);
    expect(await turns.take('b', 5, never)).toBe(false);
    const aborter = new AbortController();
    const interrupted = turns.take('c', 60_000, aborter.signal);
    aborter.abort();
    await expect(interrupted).rejects.toThrow('interrupted');
    turns.give('a');
    expect(await turns.take('d', 1, never)).toBe(true);
  });
});
