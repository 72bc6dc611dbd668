import { describe, expect, it } from '@jest/globals';
import { coalesce } from './coalesce.js';

describe('coalesce', () => {
  it('runs one at a time, and once more for all that came meanwhile, also after a failure', async () => {
    const ends: ((failed: boolean) => void)[] = [];
    const run = coalesce(
      () => new Promise<void>((resolve, reject) => ends.push((failed) => (failed ? reject(new Error('x')) : resolve()))),
    );
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    run();
    run();
    run();
    expect(ends).toHaveLength(1);
    ends[0]?.(true);
    await settle();
    expect(ends).toHaveLength(2);
    ends[1]?.(false);
    await settle();
    expect(ends).toHaveLength(2);
    run();
    expect(ends).toHaveLength(3);
  });
});
