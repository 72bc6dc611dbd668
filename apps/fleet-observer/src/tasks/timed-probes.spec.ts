import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../domain/health.js';
import { createTimedProbes } from './timed-probes.js';

const endpoint = (n: number, url = `http://10.0.0.${String(n)}`): Endpoint => ({
  kind: 'runner',
  shardId: `r-${String(n)}`,
  endpointId: 'e1',
  url,
});
const fleet = (size: number) => Array.from({ length: size }, (_, n) => endpoint(n));

/** Probes on a clock of the test's; each is answered when the test says so, or at once. */
function stage({ concurrency = 1_000, answers = true } = {}) {
  let nowMs = 0;
  const asked: { shardId: string; url: string; metrics: boolean }[] = [];
  const pending: (() => void)[] = [];
  const probes = createTimedProbes({
    turns: { intervalMs: 10_000, metricsEvery: 3 },
    concurrency,
    now: () => nowMs,
    probe: async ({ shardId, url }, { metrics }) => {
      asked.push({ shardId, url, metrics });
      if (!answers) await new Promise<void>((resolve) => pending.push(resolve));
    },
  });
  const settled = async () => {
    for (let turns = 0; turns < 10; turns++) await Promise.resolve();
  };
  return {
    probes,
    asked,
    /** Ticks every half a second for so long. */
    async pass(ms: number, endpoints: readonly Endpoint[]) {
      for (let passed = 0; passed < ms; passed += 500) {
        nowMs += 500;
        probes.take(endpoints);
        await settled();
      }
    },
    async answer(count: number) {
      for (const resolve of pending.splice(0, count)) resolve();
      await settled();
    },
  };
}

describe('timed probes', () => {
  it('ask all that is new at once, with metrics, and then each once an interval, and for metrics every third time', async () => {
    const { probes, asked, pass } = stage();
    probes.take(fleet(100));
    expect(asked).toHaveLength(100);
    expect(asked.every(({ metrics }) => metrics)).toBe(true);
    await pass(10_000, fleet(100));
    asked.length = 0;
    await pass(60_000, fleet(100));
    for (const { shardId } of fleet(100)) {
      const own = asked.filter((one) => one.shardId === shardId);
      expect(own).toHaveLength(6);
      expect(own.filter(({ metrics }) => metrics)).toHaveLength(2);
    }
  });

  it('ask one that is new, or has another address, without waiting for its turn, and one that is gone no more', async () => {
    const { probes, asked, pass } = stage();
    await pass(500, fleet(3));
    asked.length = 0;
    probes.take([endpoint(0), endpoint(1, 'http://10.9.9.9'), endpoint(7)]);
    expect(asked).toEqual([
      { shardId: 'r-1', url: 'http://10.9.9.9', metrics: true },
      { shardId: 'r-7', url: 'http://10.0.0.7', metrics: true },
    ]);
    asked.length = 0;
    await pass(20_000, [endpoint(0)]);
    expect(new Set(asked.map(({ shardId }) => shardId))).toEqual(new Set(['r-0']));
  });

  it('do not ask one again that was asked otherwise just now', async () => {
    const { probes, asked, pass } = stage();
    probes.had(fleet(10));
    await pass(5_000, fleet(10));
    expect(asked).toEqual([]);
    await pass(10_000, fleet(10));
    expect(new Set(asked.map(({ shardId }) => shardId)).size).toBe(10);
  });

  it('keep to their room, and ask nobody twice at a time', async () => {
    const { probes, asked, pass, answer } = stage({ concurrency: 4, answers: false });
    await pass(30_000, fleet(10));
    expect([asked.length, probes.waiting()]).toEqual([4, 6]);
    await answer(2);
    expect([asked.length, probes.waiting()]).toEqual([6, 4]);
    await answer(10);
    await answer(10);
    expect(new Set(asked.map(({ shardId }) => shardId)).size).toBe(10);
    expect(asked).toHaveLength(10);
  });

  it('end with those under way, and begin none that wait', async () => {
    const { probes, asked, pass, answer } = stage({ concurrency: 2, answers: false });
    await pass(500, fleet(5));
    const stopped = probes.stop();
    await answer(2);
    await stopped;
    expect(asked).toHaveLength(2);
  });
});
