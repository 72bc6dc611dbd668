import { join } from 'node:path';
import { z } from 'zod';
import { describeError } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import { readSnapshot, writeSnapshot } from '../ledger/snapshot.js';
import { Checker, checkerState, type Findings } from './checker.js';
import { LedgerFollower, type LedgerSource } from './ledger-follower.js';

/** The findings at a moment (microseconds since the epoch): everything up to then is in them, nothing later. */
export interface Report {
  throughUs: number;
  findings: Findings;
}

export interface Accountant {
  /** Reads what is new and reports; pauses that ended before `sinceUs` are left out of the times. */
  report(sinceUs?: number): Promise<Report>;
  /**
   * When more than `evidenceBytes` were read since the base, makes the account so far the new base.
   *
   * @returns the base's position in each ledger, by source name: what stands before it is no longer needed
   */
  rebase(evidenceBytes: number): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}

const baseSchema = z.object({ version: z.literal(1), positions: z.record(z.string(), z.number()), state: checkerState });

/**
 * Keeps the checker's account current with growing ledgers: it reads on in the background, so that a report stays quick after
 * hours. At a start it reads again all the ledgers still hold; only what was removed from them for its age is taken from the
 * base, an account of that part alone.
 *
 * @param everyMs how often it reads on by itself
 */
export async function startAccountant(options: {
  sources: readonly LedgerSource[];
  dir: string;
  everyMs: number;
  logger: Logger;
}): Promise<Accountant> {
  const path = join(options.dir, 'base.json');
  let base = await readSnapshot(path, baseSchema);
  const checker = new Checker(base?.state);
  const follower = new LedgerFollower(options.sources, base?.positions);
  let last: Promise<void> = Promise.resolve();

  // One after the other: a follower has one place in each ledger.
  const advance = (): Promise<void> => {
    last = last
      .catch(() => undefined)
      .then(() =>
        follower.advance((source, record) => {
          checker.take(source, record);
        }),
      );
    return last;
  };
  const timer = keepAdvancing(advance, options.everyMs, options.logger);

  return {
    async report(sinceUs = 0) {
      await advance();
      return { throughUs: follower.throughUs, findings: checker.findings(follower.throughUs, sinceUs) };
    },
    async rebase(evidenceBytes) {
      await advance();
      const positions = follower.positions();
      const before = base?.positions ?? {};
      const readBytes = Object.entries(positions).reduce((sum, [name, position]) => sum + position - (before[name] ?? 0), 0);
      if (readBytes <= evidenceBytes) return before;
      const next = { version: 1 as const, positions, state: checker.toState() };
      await writeSnapshot(path, next);
      base = next;
      return positions;
    },
    async stop() {
      clearInterval(timer);
      await last.catch(() => undefined);
    },
  };
}

function keepAdvancing(advance: () => Promise<void>, everyMs: number, logger: Logger): NodeJS.Timeout {
  let idle = true;
  return setInterval(() => {
    if (!idle) return;
    idle = false;
    void advance()
      .catch((error: unknown) => {
        logger.error({ error: describeError(error) }, 'the checker cannot read the ledgers');
      })
      .finally(() => (idle = true));
  }, everyMs);
}
