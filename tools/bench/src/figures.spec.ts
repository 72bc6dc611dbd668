import { describe, expect, it } from '@jest/globals';
import { compare, median, percentile, table } from './figures.js';

describe('figures', () => {
  it('have a middle, whatever their order, and none when there are none', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(percentile([10, 20, 30, 40, 50], 0.99)).toBeCloseTo(49.6);
    expect(() => median([])).toThrow('no figures');
  });

  it('meet a goal by the median of the ratios of their rounds', () => {
    const given = { metric: 'm', unit: 'x/s', peerName: 'them' };
    // One round of a slow machine says nothing about who is faster.
    const row = compare({ ...given, ours: [10, 100, 110], peer: [4, 50, 50], goal: { atLeast: 2.1 } });
    expect(row).toEqual({
      metric: 'm',
      ours: 100,
      peer: 50,
      peer_name: 'them',
      unit: 'x/s',
      ratio: 2.2,
      goal: '>= 2.1',
      met: true,
    });
    expect(compare({ ...given, ours: [2], peer: [1], goal: { atLeast: 2.01 } }).met).toBe(false);
    expect(compare({ ...given, ours: [2], peer: [1], goal: { atMost: 2 } })).toMatchObject({ goal: '<= 2', met: true });
    expect(compare({ ...given, ours: [2], peer: [1] })).toMatchObject({ goal: null, met: null });
    expect(() => compare({ ...given, ours: [2], peer: [] })).toThrow('both');
  });

  it('make a table', () => {
    const rows = [compare({ metric: 'appends', unit: '/s', ours: [12_345.6], peer: [1_000], peerName: 'them', goal: { atLeast: 20 } })];
    expect(table(rows).split('\n')).toEqual([
      'metric   ours      peer     peer is  ratio  goal   met',
      'appends  12346 /s  1000 /s  them     12.3   >= 20  NO',
    ]);
  });
});
