import { describe, expect, it } from '@jest/globals';
import { createPlanTurns } from './plan-turns.js';

const never = new AbortController().signal;
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Plans that end when they are told to, and the names of those that were begun. */
function plans(options: Parameters<typeof createPlanTurns>[0]) {
  const inTurn = createPlanTurns(options);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = (name: string, signal = never) =>
    inTurn(signal, async () => {
      begun.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      return name;
    });
  return { begun, ask, end: (name: string) => ends.get(name)?.() };
}

describe('the turns of plans', () => {
  it('let some run, have others wait in their order, and refuse more', async () => {
    const { begun, ask, end } = plans({ running: 2, waiting: 2 });
    const asked = ['a', 'b', 'c', 'd'].map((name) => ask(name));
    await settle();
    expect(begun).toEqual(['a', 'b']);
    await expect(ask('e')).rejects.toMatchObject({ code: 'overloaded' });
    end('b');
    await settle();
    expect(begun).toEqual(['a', 'b', 'c']);
    end('a');
    await settle();
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
    end('c');
    end('d');
    expect(await Promise.all(asked)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are given on by a plan that fails, and by one whose caller goes while it waits', async () => {
    const { begun, ask, end } = plans({ running: 1, waiting: 2 });
    const first = ask('a');
    const gone = new AbortController();
    const second = ask('b', gone.signal);
    const third = ask('c');
    gone.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    end('a');
    await first;
    await settle();
    expect(begun).toEqual(['a', 'c']);
    end('c');
    await third;

    const failing = createPlanTurns({ running: 1 });
    await expect(failing(never, () => Promise.reject(new Error('no plan')))).rejects.toThrow('no plan');
    expect(await failing(never, () => Promise.resolve('next'))).toBe('next');
  });
});
