/** When a delivery that failed is tried again. Pure. */

const factor = 4;
const longestMs = 12 * 3_600_000;

/**
 * How long to wait after the nth attempt: four times as long each time, up to twelve hours, and up to a quarter more or less, so that
 * what failed together does not come back together. `random` is from 0 to 1.
 */
export function retryAfterMs(attempts: number, { firstMs, random }: { firstMs: number; random: number }): number {
  const plain = Math.min(firstMs * factor ** Math.max(attempts - 1, 0), longestMs);
  return Math.round(plain * (0.75 + random / 2));
}
