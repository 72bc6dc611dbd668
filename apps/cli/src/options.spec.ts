import { describe, expect, it } from '@jest/globals';
import { InvalidArgumentError } from 'commander';
import { durationMs, list, pointInTime, positive, timeoutMs } from './options.js';

describe('options', () => {
  it('reads durations in milliseconds', () => {
    expect(['250ms', '30s', '5m', '2h'].map(durationMs)).toEqual([250, 30_000, 300_000, 7_200_000]);
    for (const wrong of ['', '5', '-1s', '0s', '1d', '1.5s', 's', '99999999h'])
      expect(() => durationMs(wrong)).toThrow(InvalidArgumentError);
    expect(timeoutMs('500h')).toBe(1_800_000_000);
    expect(() => timeoutMs('600h')).toThrow(InvalidArgumentError);
  });

  it('reads times, also as how long ago', () => {
    const time = pointInTime(() => new Date('2026-11-01T10:00:00Z'));
    expect(time('30m')).toBe('2026-11-01T09:30:00.000Z');
    expect(time('2026-11-01T10:00:00+02:00')).toBe('2026-11-01T08:00:00.000Z');
    for (const wrong of ['yesterday', '', '2026-13-01T00:00:00Z', '10', '99999999h'])
      expect(() => time(wrong)).toThrow(InvalidArgumentError);
  });

  it('reads whole numbers and lists', () => {
    expect(positive('20')).toBe(20);
    for (const wrong of ['0', '-1', '1.5', 'x', '']) expect(() => positive(wrong)).toThrow(InvalidArgumentError);
    expect(list('b,c', ['a'])).toEqual(['a', 'b', 'c']);
  });
});
