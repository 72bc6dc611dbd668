import { join } from 'node:path';
import { z } from 'zod';
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
  /** How far each ledger has been accounted for by the last checkpoint, by source name. */
  accountedFor(): Readonly<Record<string, number>>;
  checkpoint(): Promise<void>;
  stop(): Promise<void>;
}

const checkpointSchema = z.object({ version: z.literal(1), positions: z.record(z.string(), z.number()), state: checkerState });

/**
 * Keeps the checker's account current with growing ledgers. It reads on in the background, so that a report stays quick
 * after hours, and writes checkpoints, so that a start does not read everything again and old segments can go.
 *
 * @param everyMs how often it reads on by itself
 */
export async function startAccountant(options: { sources: readonly LedgerSource[]; dir: string; everyMs: number; logger: Logger }): Promise<Accountant> {
  const path = join(options.dir, 'checkpoint.json');
  const saved = await readSnapshot(path, checkpointSchema);
  const checker = new Checker(saved?.state);
  const follower = new LedgerFollower(options.sources, saved?.positions);
  let accounted = saved?.positions ?? {};
  let advancing: Promise<void> = Promise.resolve();

  // One after the other: a follower has one place in each ledger.
  const advance = (): Promise<void> => {
    advancing = advancing.catch(() => undefined).then(() => follower.advance((source, record) => { checker.take(source, record); }));
    return advancing;
  };
  let idle = true;
  const timer = setInterval(() => {
    if (!idle) return;
    idle = false;
    advance()
      .catch((error: unknown) => { options.logger.error({ err: error }, 'the checker cannot read the ledgers'); })
      .finally(() => { idle = true; });
  }, options.everyMs);

  const checkpoint = async () => {
    await advance();
    const positions = follower.positions();
    const text = { version: 1, positions, state: checker.toState() };
    await writeSnapshot(path, text);
    accounted = positions;
  };
  return {
    async report(sinceUs = 0) {
      await advance();
      return { throughUs: follower.throughUs, findings: checker.findings(follower.throughUs, sinceUs) };
    },
    accountedFor: () => accounted,
    checkpoint,
    async stop() {
      clearInterval(timer);
      await checkpoint();
    },
  };
}
