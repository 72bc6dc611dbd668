import { describe, expect, it } from '@jest/globals';
import { countHealthy, healthOf } from './fleet.js';
import { durationBetween, formatDuration, formatName, formatTime, progressOf } from './format.js';
import { isFiltered, parseSearch, searchOf, stringifySearch } from './search.js';

describe('formats', () => {
  it.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [1_000, '1.0 s'],
    [59_999, '59.9 s'],
    [185_000, '3 min 5 s'],
    [7_800_000, '2 h 10 min'],
  ])('tell %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('tell times and names', () => {
    expect(formatTime('2026-11-21T06:39:42.999Z')).toMatch(/^2026-11-2[012] \d\d:\d\d:42$/);
    expect(formatTime('never')).toBe('never');
    expect(durationBetween('2026-11-21T06:39:42.000Z', '2026-11-21T06:39:42.350Z')).toBe(350);
    expect([durationBetween(null, 'x'), durationBetween('x', 'y')]).toEqual([undefined, undefined]);
    expect(formatName('needs_attention')).toBe('Needs attention');
  });

  it('tell how far the jobs of a step are, and nothing of what other steps leave', () => {
    expect(progressOf({ total: 4, succeeded: 1, running: 2, failed: [{ key: 'acme' }], refused: {} })).toBe(
      '1 of 4 done, 2 running, 1 failed',
    );
    for (const output of [null, {}, { total: 4 }, { total: '4', succeeded: 1, running: 2, failed: [] }])
      expect(progressOf(output)).toBeUndefined();
  });
});

describe('addresses', () => {
  it('hold plain text, what is asked for and nothing else', () => {
    const search = { tenant: 'acme', job_id: '12', note: 'a b&c=d' };
    expect(parseSearch(stringifySearch(search).slice(1))).toEqual(search);
    expect(stringifySearch({ tenant: '', cursor: undefined })).toBe('');
    expect(searchOf('tenant', 'cursor')({ tenant: 'acme', cursor: '', other: 'x', job_id: 1 })).toEqual({ tenant: 'acme' });
    expect([isFiltered({}), isFiltered({ cursor: 'x' }), isFiltered({ tenant: 'acme', cursor: 'x' })]).toEqual([false, false, true]);
  });
});

describe('the health of a shard', () => {
  const up = { reachable: true, healthy: true, ready: true };
  it.each([
    [[], 'info', 'Not probed yet'],
    [[up, up], 'success', 'Healthy'],
    [[up, { ...up, ready: false }], 'warning', '1 of 2 ready'],
    [[{ ...up, healthy: false }], 'warning', 'Not ready'],
    [[{ reachable: false, healthy: false, ready: false }], 'error', 'Unreachable'],
  ] as const)('of %j is %s: %s', (endpoints, type, text) => {
    expect(healthOf(endpoints)).toEqual({ type, text });
  });

  it('counts shards whose every endpoint is ready', () => {
    const shard = {
      kind: 'runner',
      shard_id: 'a',
      endpoints: [],
      weight: 1,
      labels: {},
      state: 'active',
      revision: 1,
      tenants: 0,
      max_load: null,
    } as const;
    const endpoint = {
      ...up,
      kind: 'runner',
      shard_id: 'a',
      endpoint_id: 'x',
      url: '',
      version: null,
      git_sha: null,
      inflight: 0,
      lag: 0,
    } as const;
    const rest = { taken_at: null, problem: null, latency_ms: 1, metrics_taken_at: null, started_at: null, condition: 'steady' as const };
    expect(countHealthy([{ ...shard, endpoints: [] }], [{ ...endpoint, ...rest }])).toBe(1);
    expect(
      countHealthy(
        [{ ...shard, endpoints: [] }],
        [
          { ...endpoint, ...rest },
          { ...endpoint, ...rest, ready: false },
        ],
      ),
    ).toBe(0);
  });
});
