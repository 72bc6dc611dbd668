import { describe, expect, it } from '@jest/globals';
import { restartDelayMs } from './backoff.js';

describe('restartDelayMs', () => {
  it('doubles from half a second and stays bounded', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 1_000].map(restartDelayMs)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });
});
