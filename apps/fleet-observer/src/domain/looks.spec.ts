import { describe, expect, it } from '@jest/globals';
import { normalise, type EndpointHealth } from './health.js';
import { conditionChanges, removed, seen, type Happening, type Kept } from './looks.js';
import type { StabilityRules } from './stability.js';

const rules: StabilityRules = { changes: 4, halfLifeMs: 120_000, restarts: 2, restartWindowMs: 600_000 };
const endpoint = { kind: 'runner', shardId: 'r-1', endpointId: 'e1', url: 'http://127.0.0.1:4001' };
const beginMs = Date.parse('2026-11-21T10:00:00.000Z');

/** An endpoint's health after so many seconds. */
function health(seconds: number, { ready = 200, version = '1', started = 0 } = {}): EndpointHealth {
  const answer = (status: number, body = '') => ({ status, body, durationMs: 1 });
  const text = `a_build_info{version="${version}",git_sha="s"} 1\na_inflight 0\na_lag 0\nprocess_start_time_seconds ${String(1_795_255_200 + started)}\n`;
  const answers = { health: answer(200), ready: answer(ready), metrics: answer(200, text) };
  return normalise(endpoint, answers, new Date(beginMs + seconds * 1_000));
}

function follow(healths: readonly EndpointHealth[]) {
  const all: Happening[] = [];
  let kept: Kept | undefined;
  for (const one of healths) {
    const { after, happenings } = seen(kept, one, rules);
    all.push(...happenings);
    kept = after;
  }
  if (kept === undefined) throw new Error('nothing was seen');
  return { kept, all, told: all.map(({ what, from, to }) => `${what} ${from}>${to}`) };
}

const flips = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => health(from + n, { ready: n % 2 === 0 ? 503 : 200 }));

describe('a look', () => {
  it('at one that is new, the same, ready no more, and of another version and process', () => {
    const { told, kept } = follow([
      health(0),
      health(10),
      health(20, { ready: 503 }),
      health(30, { ready: 503, version: '2', started: 25 }),
    ]);
    expect(told).toEqual([
      'registered >ready',
      'state ready>not_ready',
      'restarted 2026-11-21T10:00:00.000Z>2026-11-21T10:00:25.000Z',
      'version 1 (s)>2 (s)',
    ]);
    expect(kept.told).toEqual(kept.health);
    expect(removed(kept, '2026-11-21T11:00:00.000Z')).toMatchObject({ key: 'runner.r-1.e1', what: 'removed', from: 'not_ready', to: '' });
  });

  it('at one that flaps: its history goes on, what is told stays until it is steady again', () => {
    const flapping = follow([health(0), ...flips(1, 9)]);
    expect(flapping.kept.health.condition).toBe('flapping');
    expect(flapping.told.filter((what) => what.startsWith('state'))).toHaveLength(9);
    expect(flapping.told.filter((what) => what.startsWith('condition'))).toEqual(['condition steady>flapping']);
    // What it was when it began to flap, which the last of it is not.
    expect([flapping.kept.told.takenAt < flapping.kept.health.takenAt, flapping.kept.health.ready]).toEqual([true, false]);
    const steady = seen(flapping.kept, health(600, { ready: 503 }), rules);
    expect(steady.happenings.map(({ what, to }) => [what, to])).toEqual([['condition', 'steady']]);
    expect(steady.after.told).toEqual(steady.after.health);
    expect(conditionChanges(steady.happenings, new Map([['runner.r-1.e1', steady.after]]))).toMatchObject([
      { key: 'runner.r-1.e1', from: 'flapping', to: 'steady' },
    ]);
  });

  it('at one that restarts again and again', () => {
    const { kept, told } = follow([health(0), health(10, { started: 5 }), health(20, { started: 15 })]);
    expect(kept.health.condition).toBe('crash_looping');
    expect(told.at(-1)).toBe('condition steady>crash_looping');
  });

  it('after one whose clock was ahead counts time from its own', () => {
    const flapping = follow([health(3_600), ...flips(3_601, 9)]);
    const { after } = seen(flapping.kept, health(0, { ready: 503 }), rules);
    expect(after.health.condition).toBe('flapping');
    expect(seen(after, health(600, { ready: 503 }), rules).after.health.condition).toBe('steady');
  });
});
