import { networkOf } from './network.js';
import { createThrottle, type ThrottleLimits } from './throttle.js';

/** A login that somebody tries. */
export interface Try {
  /** In lower case; it need not be that of a user. */
  readonly email: string;
  readonly address: string;
}

/** What was wrong: the password, or the second factor of whoever knew the password. */
export type Wrong = 'password' | 'code';

/**
 * How often logins may fail. From one address (of IPv6, one network) there are limits for each account and for all of them;
 * accounts have limits of their own over all addresses, against guessing from many. Those do not hold for an address that
 * the account has lately signed in from: whoever guesses elsewhere must not keep the owner out.
 */
export interface LoginLimits {
  /** How long the address has to wait, for this account or any; 0 when it may try. */
  addressWaitMs(attempt: Try, nowMs: number): number;
  /** How long the account has to wait, wherever it is tried from but where it is known; 0 when it may be tried. */
  accountWaitMs(attempt: Try, nowMs: number): number;
  failed(attempt: Try, wrong: Wrong, nowMs: number): void;
  /** Whether to record that a right password came without its code: once a minute for an account from an address. */
  tellsOfMissingCode(attempt: Try, nowMs: number): boolean;
  /** Forgets the failures of this account from this address, and no others. */
  succeeded(attempt: Try): void;
}

/** Limits by what is counted. */
export interface LoginLimitsOptions {
  /** Of an account from one address. */
  readonly pair: ThrottleLimits;
  /** Of an address, whatever the account. */
  readonly address: ThrottleLimits;
  /** Of an account, over all addresses. */
  readonly account: ThrottleLimits;
  /** Of an account's second factor, over all addresses and from each: a code has six digits only. */
  readonly code: ThrottleLimits;
}

const minuteMs = 60_000;

/** Those of the gateway. What is remembered is bounded; so many keys take longer to fill than a window lasts, as a password takes a core's time to check. */
export const loginLimits: LoginLimitsOptions = {
  pair: { failures: 10, windowMs: 5 * minuteMs, keys: 50_000 },
  address: { failures: 100, windowMs: 5 * minuteMs, keys: 50_000 },
  account: { failures: 50, windowMs: 15 * minuteMs, keys: 150_000 },
  code: { failures: 10, windowMs: 60 * minuteMs, keys: 50_000 },
};

/** Makes the limits of one process. */
export function createLoginLimits(options: LoginLimitsOptions): LoginLimits {
  const [pair, address] = [createThrottle(options.pair), createThrottle(options.address)];
  const [account, code, pairCode] = [createThrottle(options.account), createThrottle(options.code), createThrottle(options.code)];
  const told = createThrottle({ failures: 1, windowMs: minuteMs, keys: options.pair.keys });
  const pairOf = (attempt: Try) => JSON.stringify([attempt.email, networkOf(attempt.address)]);
  return {
    // Whoever shares an address with the account's owner guesses no more codes than anybody.
    addressWaitMs: (attempt, nowMs) => {
      const own = pairOf(attempt);
      return Math.max(pair.waitMs(own, nowMs), pairCode.waitMs(own, nowMs), address.waitMs(networkOf(attempt.address), nowMs));
    },
    accountWaitMs: ({ email }, nowMs) => Math.max(account.waitMs(email, nowMs), code.waitMs(email, nowMs)),
    failed: (attempt, wrong, nowMs) => {
      pair.failed(pairOf(attempt), nowMs);
      address.failed(networkOf(attempt.address), nowMs);
      account.failed(attempt.email, nowMs);
      if (wrong === 'password') return;
      code.failed(attempt.email, nowMs);
      pairCode.failed(pairOf(attempt), nowMs);
    },
    tellsOfMissingCode: (attempt, nowMs) => {
      const own = pairOf(attempt);
      if (told.waitMs(own, nowMs) > 0) return false;
      told.failed(own, nowMs);
      return true;
    },
    succeeded: (attempt) => {
      pair.succeeded(pairOf(attempt));
    },
  };
}
