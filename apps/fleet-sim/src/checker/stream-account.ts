import { z } from 'zod';
import type { SenderTrouble, ShardRecord } from '../ledger/records.js';
import { RangeSet } from './range-set.js';

/**
 * The account of one stream of numbered commands (a tenant on one kind of service), kept from records in the order in
 * which they happened. It believes no shard about who owns a tenant; it derives that from what is written:
 *
 * - An ownership opens with `own` and closes with `release`, `imported` or `dropped` in the same ledger. Of two, the one
 *   with the higher fence is the later; with equal fences, the one opened later.
 * - An application is rightful when its shard's ownership is open and is the latest of all shards.
 * - An `own` says up to which command the state it begins with reaches. What an earlier owner applied beyond that is lost
 *   to the tenant, though it stands in a ledger.
 */
const ranges = z.array(z.tuple([z.number(), z.number()]));
const ownership = z.object({ shard: z.string(), fence: z.number(), atUs: z.number() });
const drainWindow = z.object({ startUs: z.number(), drainedUs: z.number().optional(), endUs: z.number().optional(), pauseUs: z.number() });

export const streamState = z.object({
  sent: ranges,
  acked: ranges,
  applied: ranges,
  rightful: ranges,
  leftBehind: z.array(z.number()),
  doubled: z.number(),
  wrongOwner: z.number(),
  failed: z.number().default(0),
  retried: z.number().default(0),
  troubled: z.strictObject({ failed: z.number(), retried: z.number() }).default({ failed: 0, retried: 0 }),
  owners: z.array(ownership),
  latest: ownership.optional(),
  accepted: z.array(z.tuple([z.number(), z.string()])),
  openSinceUs: z.array(z.tuple([z.number(), z.number()])),
  drains: z.array(drainWindow),
});
export type StreamState = z.output<typeof streamState>;
type Ownership = z.output<typeof ownership>;
type DrainWindow = z.output<typeof drainWindow>;

/** Drains of a stream: how long they took, and the longest pause of a command that met one. */
export interface DrainFigures {
  count: number;
  longestUs: number;
  longestPauseUs: number;
  /** The most by which such a pause exceeded its drain. */
  worstBeyondUs: number;
}

export interface StreamFigures {
  sent: number;
  applied: number;
  lost: number;
  doubled: number;
  wrongOwner: number;
  inFlight: number;
  failed: number;
  retried: number;
  /** Applied though never sent; 0 unless a ledger is false. */
  unsent: number;
  /** The longest that a command still open has waited so far. */
  openPauseUs: number;
  drains: DrainFigures;
}

const maxDrains = 64;
const emptyState: StreamState = {
  sent: [],
  acked: [],
  applied: [],
  rightful: [],
  leftBehind: [],
  doubled: 0,
  wrongOwner: 0,
  failed: 0,
  retried: 0,
  troubled: { failed: 0, retried: 0 },
  owners: [],
  accepted: [],
  openSinceUs: [],
  drains: [],
};

export class StreamAccount {
  private readonly sent: RangeSet;
  private readonly acked: RangeSet;
  private readonly applied: RangeSet;
  private readonly rightful: RangeSet;
  private readonly leftBehind: Set<number>;
  private readonly owners: Map<string, Ownership>;
  private readonly accepted: Map<number, string>;
  private readonly openSinceUs: Map<number, number>;
  private readonly drains: DrainWindow[];
  private latest: Ownership | undefined;
  private doubled: number;
  private wrongOwner: number;
  private readonly counts: Record<SenderTrouble, number>;
  /** The last command that was counted of each: one is open at a time, and counts once over restarts too. */
  private readonly troubled: Record<SenderTrouble, number>;

  constructor(state: StreamState = emptyState) {
    this.sent = RangeSet.of(state.sent);
    this.acked = RangeSet.of(state.acked);
    this.applied = RangeSet.of(state.applied);
    this.rightful = RangeSet.of(state.rightful);
    this.leftBehind = new Set(state.leftBehind);
    this.doubled = state.doubled;
    this.wrongOwner = state.wrongOwner;
    this.counts = { failed: state.failed, retried: state.retried };
    this.troubled = { ...state.troubled };
    this.owners = new Map(state.owners.map((entry) => [entry.shard, entry]));
    this.latest = state.latest;
    this.accepted = new Map(state.accepted);
    this.openSinceUs = new Map(state.openSinceUs);
    this.drains = state.drains.map((entry) => ({ ...entry }));
  }

  /** The sender started anew: for what is open, time counts from now, as nobody sent while it was away. */
  restarted(atUs: number): void {
    for (const seq of this.openSinceUs.keys()) this.openSinceUs.set(seq, atUs);
  }

  commandSent(seq: number, atUs: number): void {
    this.sent.add(seq);
    if (!this.acked.has(seq) && !this.openSinceUs.has(seq)) this.openSinceUs.set(seq, atUs);
  }

  /** Returns the command's pause in microseconds, undefined when it was not open. */
  commandAcked(seq: number, atUs: number): number | undefined {
    this.acked.add(seq);
    const sinceUs = this.openSinceUs.get(seq);
    if (sinceUs === undefined) return undefined;
    this.openSinceUs.delete(seq);
    const pauseUs = atUs - sinceUs;
    for (const drain of this.drainsMetBy(sinceUs, atUs)) drain.pauseUs = Math.max(drain.pauseUs, pauseUs);
    return pauseUs;
  }

  commandTroubled(trouble: SenderTrouble, seq: number): void {
    if (seq <= this.troubled[trouble]) return;
    this.troubled[trouble] = seq;
    this.counts[trouble] += 1;
  }

  shardRecord(shard: string, record: ShardRecord): void {
    switch (record.type) {
      case 'accepted':
        if (!this.applied.has(record.seq)) this.accepted.set(record.seq, shard);
        return;
      case 'applied':
        this.commandApplied(shard, record.seq);
        return;
      case 'own':
        this.ownershipOpened({ shard, fence: record.fence, atUs: record.at_us }, record.last_seq);
        return;
      case 'draining':
        this.drainStarted(record.at_us);
        return;
      case 'drained':
        this.lastOpenDrain((drain) => (drain.drainedUs ??= record.at_us));
        return;
      case 'release':
      case 'imported':
      case 'dropped':
        this.owners.delete(shard);
        return;
      case 'noted':
        return;
    }
  }

  figures(nowUs: number, sinceUs: number): StreamFigures {
    const last = this.sent.max;
    const lastOpen = last > 0 && !this.acked.has(last);
    let waiting = 0;
    for (const [seq, shard] of this.accepted) if (this.sent.has(seq) && this.owners.has(shard)) waiting += 1;
    const lastWaits = this.owners.has(this.accepted.get(last) ?? '');
    if (lastOpen && !this.applied.has(last) && !lastWaits) waiting += 1;
    const unsent = count(this.applied.minus(this.sent));
    return {
      sent: this.sent.size,
      applied: this.applied.size - unsent,
      lost: this.leftBehind.size + count(this.sent.minus(this.applied)) - waiting,
      doubled: this.doubled,
      wrongOwner: this.wrongOwner,
      inFlight: waiting + (lastOpen && this.applied.has(last) ? 1 : 0),
      ...this.counts,
      unsent,
      openPauseUs: Math.max(0, ...Array.from(this.openSinceUs.values(), (since) => nowUs - since)),
      drains: this.drainFigures(nowUs, sinceUs),
    };
  }

  toState(): StreamState {
    return {
      sent: this.sent.toRanges(),
      acked: this.acked.toRanges(),
      applied: this.applied.toRanges(),
      rightful: this.rightful.toRanges(),
      leftBehind: [...this.leftBehind],
      doubled: this.doubled,
      wrongOwner: this.wrongOwner,
      ...this.counts,
      troubled: this.troubled,
      owners: [...this.owners.values()],
      latest: this.latest,
      accepted: [...this.accepted],
      openSinceUs: [...this.openSinceUs],
      drains: this.drains,
    };
  }

  private commandApplied(shard: string, seq: number): void {
    if (!this.applied.add(seq)) this.doubled += 1;
    this.accepted.delete(seq);
    if (this.owners.has(shard) && this.latest?.shard === shard) {
      this.rightful.add(seq);
      this.leftBehind.delete(seq);
    } else {
      this.wrongOwner += 1;
    }
  }

  private ownershipOpened(opened: Ownership, lastSeq: number): void {
    this.owners.set(opened.shard, opened);
    // Records come in order of time, so of equal fences this one is the later.
    if (this.latest === undefined || opened.fence >= this.latest.fence) {
      this.latest = opened;
      for (const [from, to] of this.rightful.minus(RangeSet.of([[0, lastSeq]])))
        for (let seq = from; seq <= to; seq++) this.leftBehind.add(seq);
    }
    this.lastOpenDrain((drain) => (drain.endUs = opened.atUs));
  }

  private drainStarted(atUs: number): void {
    const last = this.drains.at(-1);
    if (last !== undefined && last.endUs === undefined) return;
    this.drains.push({ startUs: atUs, pauseUs: 0 });
    if (this.drains.length > maxDrains) this.drains.shift();
  }

  private lastOpenDrain(change: (drain: DrainWindow) => void): void {
    const last = this.drains.at(-1);
    if (last !== undefined && last.endUs === undefined) change(last);
  }

  private drainsMetBy(fromUs: number, toUs: number): DrainWindow[] {
    return this.drains.filter(({ startUs, endUs }) => startUs <= toUs && (endUs ?? toUs) >= fromUs);
  }

  private drainFigures(nowUs: number, sinceUs: number): DrainFigures {
    const figures: DrainFigures = { count: 0, longestUs: 0, longestPauseUs: 0, worstBeyondUs: 0 };
    for (const drain of this.drains) {
      if ((drain.endUs ?? nowUs) < sinceUs) continue;
      const tookUs = (drain.drainedUs ?? drain.endUs ?? nowUs) - drain.startUs;
      const openPauses = drain.endUs === undefined ? Array.from(this.openSinceUs.values(), (since) => nowUs - since) : [];
      const pauseUs = Math.max(drain.pauseUs, ...openPauses);
      figures.count += 1;
      figures.longestUs = Math.max(figures.longestUs, tookUs);
      figures.longestPauseUs = Math.max(figures.longestPauseUs, pauseUs);
      figures.worstBeyondUs = Math.max(figures.worstBeyondUs, pauseUs - tookUs);
    }
    return figures;
  }
}

function count(ranges: readonly [number, number][]): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
}
