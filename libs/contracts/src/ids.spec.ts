import { describe, expect, it, jest } from '@jest/globals';
import { newId, randomHex } from './ids.js';

describe('a new id', () => {
  it('has its prefix and 32 hex digits of a UUID of version 7, which begin with the time', () => {
    const before = Date.now();
    const id = newId('job');
    const after = Date.now();
    expect(id).toMatch(/^job_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    const time = Number.parseInt(id.slice(4, 16), 16);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(after);
  });

  it('sorts after those before it, and is another', () => {
    const ids = Array.from({ length: 20_000 }, () => newId('command'));
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(ids.map((id) => id.slice(-11))).size).toBe(ids.length);
  });

  it('goes on after those before it while the clock has gone back', () => {
    const before = newId('job');
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
    const ids = [before, newId('job'), newId('job')];
    clock.mockRestore();
    expect(ids.toSorted()).toEqual(ids);
  });
});

describe('random hex digits', () => {
  it('are as many as asked for, each time others', () => {
    const drawn = Array.from({ length: 2_000 }, () => randomHex(8));
    expect(drawn.every((hex) => /^[0-9a-f]{16}$/.test(hex))).toBe(true);
    expect(new Set(drawn).size).toBe(drawn.length);
    expect(randomHex(16)).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(drawn.join('').match(/../g)).size).toBe(256);
  });
});
