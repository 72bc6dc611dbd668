/** Time for ledgers: microseconds since the epoch, each reading greater than every one before it. */
export interface Clock {
  nowUs(): number;
}

/**
 * Makes the one clock of a simulated fleet. Every record of every ledger takes its time from it, so sorting by time gives
 * the true order of decisions over all ledgers.
 *
 * @param afterUs the latest time any ledger holds: readings start above it, even when the wall clock went back in between
 */
export function createClock(afterUs = 0): Clock {
  let lastUs = afterUs;
  return {
    nowUs() {
      const wallUs = Math.round((performance.timeOrigin + performance.now()) * 1000);
      lastUs = Math.max(lastUs + 1, wallUs);
      return lastUs;
    },
  };
}
