import type { Extent } from '../ledger/ledger.js';
import { readLedger, type Positioned } from '../ledger/reader.js';
import type { LedgerEvent, Recorded } from '../ledger/records.js';

/** A ledger that may grow while it is followed. */
export interface LedgerSource {
  name: string;
  dir: string;
  extent(): Extent;
}

interface Tail {
  source: LedgerSource;
  batches: AsyncGenerator<Positioned[]> | undefined;
  batch: Positioned[];
  next: number;
  position: number;
}

const recordsPerTurn = 2000;

/**
 * Reads several growing ledgers as one sequence, in the order of time. Each advance goes only as far as every ledger is
 * settled: a record is never handed on while an earlier one could still appear in another ledger. That is what lets the
 * checker say "lost" at once, without a grace time.
 */
export class LedgerFollower {
  private readonly tails: Tail[];
  private through = 0;

  /** @param positions where to begin in each ledger, by source name; 0 where none is given */
  constructor(sources: readonly LedgerSource[], positions: Readonly<Record<string, number>> = {}) {
    this.tails = sources.map((source) => ({ source, batches: undefined, batch: [], next: 0, position: positions[source.name] ?? 0 }));
  }

  /** Up to which time every record was handed on. */
  get throughUs(): number {
    return this.through;
  }

  /** The position after the last record handed on, per source. */
  positions(): Record<string, number> {
    return Object.fromEntries(this.tails.map(({ source, position }) => [source.name, position]));
  }

  /** Hands on what is new and settled; lets others run in between. Calls must not overlap. */
  async advance(take: (source: string, record: Recorded<LedgerEvent>) => void): Promise<void> {
    // All extents are taken in one turn, so that they describe one moment.
    const extents = this.tails.map(({ source }) => source.extent());
    const horizonUs = Math.min(...extents.map(({ throughUs }) => throughUs));
    for (const [index, tail] of this.tails.entries()) {
      const from = tail.batch.at(-1)?.end ?? tail.position;
      tail.batches = readLedger(tail.source.dir, from, extents[index]?.position ?? from);
    }
    try {
      await this.takeThrough(horizonUs, take);
    } finally {
      for (const tail of this.tails) await tail.batches?.return(undefined);
    }
    this.through = horizonUs;
  }

  private async takeThrough(horizonUs: number, take: (source: string, record: Recorded<LedgerEvent>) => void): Promise<void> {
    let taken = 0;
    for (;;) {
      for (const tail of this.tails) await refill(tail);
      const ended = this.takeUntilOneRunsDry(horizonUs, take, () => ++taken % recordsPerTurn === 0);
      if (ended === 'nothing left') return;
      if (ended === 'turn over') await new Promise((resume) => setImmediate(resume));
    }
  }

  private takeUntilOneRunsDry(
    horizonUs: number,
    take: (source: string, record: Recorded<LedgerEvent>) => void,
    turnIsOver: () => boolean,
  ): 'nothing left' | 'turn over' | 'ran dry' {
    for (;;) {
      let earliest: Tail | undefined;
      let found: Positioned | undefined;
      for (const tail of this.tails) {
        const head = tail.batch[tail.next];
        if (head !== undefined && head.record.at_us < (found?.record.at_us ?? Infinity)) {
          earliest = tail;
          found = head;
        }
      }
      if (earliest === undefined || found === undefined || found.record.at_us > horizonUs) return 'nothing left';
      take(earliest.source.name, found.record);
      earliest.position = found.end;
      earliest.next += 1;
      if (turnIsOver()) return 'turn over';
      if (earliest.next >= earliest.batch.length) return 'ran dry';
    }
  }
}

async function refill(tail: Tail): Promise<void> {
  if (tail.next < tail.batch.length || tail.batches === undefined) return;
  const more = await tail.batches.next();
  if (more.done === true) {
    tail.batches = undefined;
    return;
  }
  tail.batch = more.value;
  tail.next = 0;
}
