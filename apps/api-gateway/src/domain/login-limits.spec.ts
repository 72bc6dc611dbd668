import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createLoginLimits, type Try } from './login-limits.js';

const windowMs = 1_000;
const options = {
  pair: { failures: 3, windowMs, keys: 100 },
  address: { failures: 6, windowMs, keys: 100 },
  account: { failures: 8, windowMs, keys: 100 },
  code: { failures: 2, windowMs, keys: 100 },
};

/** A login that is tried a while after the one before, with what is wrong about it. */
interface Step {
  readonly attempt: Try;
  readonly gapMs: number;
  readonly wrong: 'password' | 'code' | undefined;
}
const owner = '203.0.113.1';
const steps = fc.array(
  fc.record({
    attempt: fc.record({
      email: fc.constantFrom('ann', 'bob', 'nobody'),
      address: fc.oneof(
        fc.constant(owner),
        fc.integer({ min: 2, max: 40 }).map((last) => `203.0.113.${last}`),
      ),
    }),
    gapMs: fc.integer({ min: 0, max: 150 }),
    wrong: fc.constantFrom('password' as const, 'code' as const, undefined),
  }),
  { maxLength: 120 },
);

/** Plays steps by the rules, those who have to wait do not try; Ann is known where her owner lives. Answers who tried and failed when. */
function play(given: readonly Step[], known: (attempt: Try) => boolean) {
  const limits = createLoginLimits(options);
  let now = 0;
  const failures: (Try & { wrong: 'password' | 'code'; at: number })[] = [];
  const refused: { attempt: Try; at: number; byAddress: boolean }[] = [];
  for (const { attempt, gapMs, wrong } of given) {
    now += gapMs;
    const byAddress = limits.addressWaitMs(attempt, now) > 0;
    if (byAddress || (!known(attempt) && limits.accountWaitMs(attempt, now) > 0)) {
      refused.push({ attempt, at: now, byAddress });
      continue;
    }
    if (wrong === undefined) limits.succeeded(attempt);
    else {
      limits.failed(attempt, wrong, now);
      failures.push({ ...attempt, wrong, at: now });
    }
  }
  return { failures, refused };
}

describe('wrong codes', () => {
  it('are as few from an address that the account is known at', () => {
    const limits = createLoginLimits(options);
    const attempt = { email: 'ann', address: owner };
    for (let failed = 0; failed < options.code.failures; failed += 1) {
      expect(limits.addressWaitMs(attempt, 0)).toBe(0);
      limits.failed(attempt, 'code', 0);
    }
    expect(limits.addressWaitMs(attempt, 0)).toBe(windowMs);
    limits.succeeded(attempt);
    expect(limits.addressWaitMs(attempt, 0)).toBe(windowMs);
    expect(limits.addressWaitMs({ ...attempt, email: 'bob' }, 0)).toBe(0);
  });

  it('that are missing are told of once a minute', () => {
    const limits = createLoginLimits(options);
    const attempt = { email: 'ann', address: owner };
    const told = [0, 1, 59_999, 60_000, 60_001].map((nowMs) => limits.tellsOfMissingCode(attempt, nowMs));
    expect(told).toEqual([true, false, false, true, false]);
    expect(limits.tellsOfMissingCode({ ...attempt, address: '203.0.113.9' }, 1)).toBe(true);
  });
});

const isOwner = ({ email, address }: Try) => email === 'ann' && address === owner;
/** In any span of a window there are twice as many failures at most: windows are fixed, and two of them can meet. */
const within = <Failure extends { at: number }>(failures: readonly Failure[], from: number) =>
  failures.filter(({ at }) => at >= from && at < from + windowMs);

describe('limits of failed logins', () => {
  it('hold for each address, whatever the accounts, for each account from an address, and for each account over all others', () => {
    fc.assert(
      fc.property(steps, (given) => {
        const { failures } = play(given, isOwner);
        for (const { at, address, email } of failures) {
          expect(within(failures, at).filter((one) => one.address === address).length).toBeLessThanOrEqual(2 * options.address.failures);
          const elsewhere = within(failures, at).filter((one) => one.email === email && !isOwner(one));
          expect(elsewhere.length).toBeLessThanOrEqual(2 * options.account.failures);
          expect(elsewhere.filter(({ wrong }) => wrong === 'code').length).toBeLessThanOrEqual(2 * options.code.failures);
        }
      }),
    );
  });

  it('never hold back the owner where the account is known, whatever others do elsewhere', () => {
    const others = steps.map((given) => given.filter(({ attempt }) => attempt.address !== owner));
    fc.assert(
      fc.property(others, (given) => {
        const limits = createLoginLimits(options);
        let now = 0;
        for (const { attempt, gapMs } of given) limits.failed(attempt, 'code', (now += gapMs));
        expect(limits.addressWaitMs({ email: 'ann', address: owner }, now)).toBe(0);
        const last = { attempt: { email: 'ann', address: owner }, gapMs: 0, wrong: undefined };
        expect(play([...given, last], isOwner).refused.filter(({ attempt }) => isOwner(attempt))).toEqual([]);
      }),
    );
  });

  it('are over for everybody a window after the last failure', () => {
    fc.assert(
      fc.property(steps, (given) => {
        const limits = createLoginLimits(options);
        let now = 0;
        for (const { attempt, gapMs, wrong } of given) limits.failed(attempt, wrong ?? 'password', (now += gapMs));
        for (const { attempt } of given) {
          expect(limits.addressWaitMs(attempt, now)).toBeLessThanOrEqual(windowMs);
          expect(limits.accountWaitMs(attempt, now)).toBeLessThanOrEqual(windowMs);
          expect(limits.addressWaitMs(attempt, now + windowMs) + limits.accountWaitMs(attempt, now + windowMs)).toBe(0);
        }
      }),
    );
  });

  it('count a network of IPv6 as one address, since who has one has all of it', () => {
    const limits = createLoginLimits(options);
    for (let n = 1; n <= 3; n++) limits.failed({ email: 'ann', address: `2001:db8::${n}` }, 'password', 0);
    expect(limits.addressWaitMs({ email: 'ann', address: '2001:db8::ffff' }, 1)).toBeGreaterThan(0);
    expect(limits.addressWaitMs({ email: 'ann', address: '2001:db8:0:1::1' }, 1)).toBe(0);
  });

  it('of an account outlast a success: who guesses gains nothing by the owner signing in', () => {
    const limits = createLoginLimits(options);
    for (let n = 0; n < 8; n++) limits.failed({ email: 'ann', address: `198.51.100.${n}` }, 'password', 0);
    limits.succeeded({ email: 'ann', address: owner });
    expect(limits.accountWaitMs({ email: 'ann', address: '198.51.100.99' }, 1)).toBeGreaterThan(0);
  });
});
