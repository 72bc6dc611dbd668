import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLogger } from '@fairlead/telemetry';
import { createTicks, type Ticks } from './ticks.js';

const logger = createLogger({ service: 'test', level: 'silent' });

describe('createTicks', () => {
  let taken = 0;
  let finish: ((error?: Error) => void)[] = [];
  let ticks: Ticks;

  beforeEach(() => {
    jest.useFakeTimers();
    taken = 0;
    finish = [];
    ticks = createTicks({
      everyMs: 500,
      logger,
      tick: () => {
        taken += 1;
        return new Promise((resolve, reject) =>
          finish.push((error) => {
            if (error === undefined) resolve();
            else reject(error);
          }),
        );
      },
    });
  });

  afterEach(async () => {
    const stopped = ticks.stop();
    finish.forEach((end) => {
      end();
    });
    await stopped;
    jest.useRealTimers();
  });

  const passed = (ms: number) => jest.advanceTimersByTimeAsync(ms);
  const finishAll = (error?: Error) => {
    for (const end of finish.splice(0)) end(error);
  };

  it('come at once and then in their time, never two at a time', async () => {
    ticks.start();
    ticks.start();
    expect(taken).toBe(1);
    await passed(5_000);
    expect(taken).toBe(1);
    finishAll();
    await passed(1);
    expect(taken).toBe(2);
    finishAll();
    await passed(490);
    expect(taken).toBe(2);
    await passed(20);
    expect(taken).toBe(3);
  });

  it('go on after one that failed', async () => {
    ticks.start();
    finishAll(new Error('no'));
    await passed(501);
    expect(taken).toBe(2);
  });

  it('end without waiting for the next', async () => {
    ticks.start();
    finishAll();
    await passed(1);
    await ticks.stop();
    await passed(5_000);
    expect(taken).toBe(1);
  });
});
