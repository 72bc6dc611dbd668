import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLogger } from '@fairlead/telemetry';
import { createRounds, type Rounds } from './rounds.js';

const logger = createLogger({ service: 'test', level: 'silent' });

describe('createRounds', () => {
  let taken = 0;
  let finish: (() => void)[] = [];
  let rounds: Rounds;

  beforeEach(() => {
    jest.useFakeTimers();
    taken = 0;
    finish = [];
    rounds = createRounds({
      intervalMs: 5_000,
      logger,
      take: () => {
        taken += 1;
        return new Promise((resolve) => finish.push(resolve));
      },
    });
  });

  afterEach(async () => {
    const stopped = rounds.stop();
    finish.forEach((end) => {
      end();
    });
    await stopped;
    jest.useRealTimers();
  });

  const passed = (ms: number) => jest.advanceTimersByTimeAsync(ms);
  const finishAll = () => {
    for (const end of finish.splice(0)) end();
  };

  it('takes the first at once and the next after the interval, never two at a time', async () => {
    rounds.start();
    rounds.start();
    expect(taken).toBe(1);
    await passed(60_000);
    expect(taken).toBe(1);
    finishAll();
    await passed(1);
    expect(taken).toBe(2);
    finishAll();
    await passed(4_900);
    expect(taken).toBe(2);
    await passed(200);
    expect(taken).toBe(3);
  });

  it('takes one soon for many wakes, with a pause between', async () => {
    rounds.start();
    finishAll();
    await passed(10);
    for (let wakes = 0; wakes < 100; wakes++) rounds.wake();
    await passed(100);
    expect(taken).toBe(1);
    await passed(400);
    expect(taken).toBe(2);
    finishAll();
    await passed(4_000);
    expect(taken).toBe(2);
    rounds.wake();
    await passed(1);
    expect(taken).toBe(3);
  });

  it('heeds a wake that comes during a round', async () => {
    rounds.start();
    await passed(600);
    rounds.wake();
    finishAll();
    await passed(1);
    expect(taken).toBe(2);
  });

  it('lets those who ask join the round under way', async () => {
    rounds.start();
    const joined = [rounds.take(), rounds.take()];
    finishAll();
    await Promise.all(joined);
    expect(taken).toBe(1);
    const alone = rounds.take();
    finishAll();
    await alone;
    expect(taken).toBe(2);
  });

  it('goes on after a round that failed, which those who asked are told', async () => {
    const failing = createRounds({
      intervalMs: 1_000,
      logger,
      take: () => {
        taken += 1;
        return Promise.reject(new Error('no'));
      },
    });
    failing.start();
    await expect(failing.take()).rejects.toThrow('no');
    await passed(2_500);
    expect(taken).toBeGreaterThanOrEqual(3);
    await failing.stop();
  });
});
