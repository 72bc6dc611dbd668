import { z } from 'zod';
import type { LedgerEvent, Recorded, SenderRecord, ShardRecord } from '../ledger/records.js';
import { PauseHistory } from './pauses.js';
import { StreamAccount, streamState, type StreamFigures } from './stream-account.js';

/** What the checker found, overall or for one tenant; times in milliseconds. */
export interface Figures {
  /** Numbered commands the load generator sent, each counted once however often it was tried. */
  sent: number;
  /** Of those, how many stand in a shard's ledger as applied. */
  applied: number;
  /** Acknowledged or given up without having been applied, or left behind when a tenant was handed over. */
  lost: number;
  /** Applications beyond the first, over all ledgers. */
  doubled: number;
  /** Applications by a shard that was not the tenant's owner. */
  wrong_owner: number;
  /** Commands sent and not yet both acknowledged and applied. */
  in_flight: number;
  /** Commands whose caller was answered with an error, or had to wait longer than 10 s; they are sent on all the same. */
  failed: number;
  /** Commands that got no answer at first, as a connection was refused or broke, and were sent again. */
  retried: number;
  /** Applied though never sent. */
  unsent: number;
  /** The longest time from a command's first send to its acknowledgement; commands still open count with their time so far. */
  longest_pause_ms: number;
  /** Of commands that met a drain: drains, the longest, the longest pause, and the most by which a pause exceeded its drain. */
  drains: { count: number; longest_ms: number; longest_pause_ms: number; worst_pause_beyond_drain_ms: number };
}

export interface Findings extends Figures {
  tenants: Record<string, Figures>;
}

export const checkerState = z.object({
  version: z.literal(1),
  streams: z.array(z.tuple([z.string(), z.string(), streamState])),
  pauses: z.array(z.tuple([z.string(), z.array(z.tuple([z.number(), z.number()]))])),
});
export type CheckerState = z.output<typeof checkerState>;

/** The name under which the sender's ledger is fed. */
export const senderSource = 'sender';

/** Counts what is lost, doubled and wrongly owned, from nothing but the records of the ledgers, fed in the order of their time. */
export class Checker {
  // tenant -> kind -> account
  private readonly tenants = new Map<string, Map<string, StreamAccount>>();
  private readonly pauses = new Map<string, PauseHistory>();

  constructor(state?: CheckerState) {
    for (const [tenant, kind, account] of state?.streams ?? []) this.kindsOf(tenant).set(kind, new StreamAccount(account));
    for (const [tenant, entries] of state?.pauses ?? []) this.pauses.set(tenant, PauseHistory.of(entries));
  }

  /**
   * Takes the next record of all ledgers in the order of `at_us`.
   *
   * @param source `sender`, or the shard whose ledger it is
   */
  take(source: string, record: Recorded<LedgerEvent>): void {
    if (source === senderSource) this.senderRecord(record as SenderRecord);
    else this.account(record as ShardRecord).shardRecord(source, record as ShardRecord);
  }

  /** The findings so far; pauses and drains that ended before `sinceUs` are left out of the times, never out of the counts. */
  findings(nowUs: number, sinceUs = 0): Findings {
    const tenants: Record<string, Figures> = {};
    for (const [tenant, kinds] of [...this.tenants].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const pauseUs = this.pauses.get(tenant)?.longestSince(sinceUs) ?? 0;
      tenants[tenant] = sum(Array.from(kinds.values(), (account) => toFigures(account.figures(nowUs, sinceUs), pauseUs)));
    }
    return { ...sum(Object.values(tenants)), tenants };
  }

  toState(): CheckerState {
    return {
      version: 1,
      streams: Array.from(this.tenants).flatMap(([tenant, kinds]) =>
        Array.from(kinds, ([kind, account]): [string, string, CheckerState['streams'][number][2]] => [tenant, kind, account.toState()]),
      ),
      pauses: Array.from(this.pauses, ([tenant, history]) => [tenant, history.toEntries()]),
    };
  }

  private senderRecord(record: SenderRecord): void {
    if (record.type === 'started') {
      for (const kinds of this.tenants.values()) for (const account of kinds.values()) account.restarted(record.at_us);
      return;
    }
    const account = this.account(record);
    if (record.type === 'sent') {
      account.commandSent(record.seq, record.at_us);
      return;
    }
    if (record.type !== 'acked') {
      account.commandTroubled(record.type, record.seq);
      return;
    }
    const pauseUs = account.commandAcked(record.seq, record.at_us);
    if (pauseUs !== undefined) this.pausesOf(record.tenant).add(record.at_us, pauseUs);
  }

  private account(stream: { tenant: string; kind: string }): StreamAccount {
    const kinds = this.kindsOf(stream.tenant);
    let account = kinds.get(stream.kind);
    if (account === undefined) kinds.set(stream.kind, (account = new StreamAccount()));
    return account;
  }

  private kindsOf(tenant: string): Map<string, StreamAccount> {
    let kinds = this.tenants.get(tenant);
    if (kinds === undefined) this.tenants.set(tenant, (kinds = new Map<string, StreamAccount>()));
    return kinds;
  }

  private pausesOf(tenant: string): PauseHistory {
    let history = this.pauses.get(tenant);
    if (history === undefined) this.pauses.set(tenant, (history = PauseHistory.of()));
    return history;
  }
}

/**
 * Checks whole ledgers at once.
 *
 * @param ledgers records by source: `sender`, and each shard
 */
export function checkLedgers(ledgers: ReadonlyMap<string, readonly Recorded<LedgerEvent>[]>): Findings {
  const all = Array.from(ledgers, ([source, records]) => records.map((record) => ({ source, record }))).flat();
  all.sort((a, b) => a.record.at_us - b.record.at_us);
  const checker = new Checker();
  for (const { source, record } of all) checker.take(source, record);
  return checker.findings(all.at(-1)?.record.at_us ?? 0);
}

const toMs = (us: number) => Math.round(us / 10) / 100;

function toFigures(stream: StreamFigures, pauseUs: number): Figures {
  return {
    sent: stream.sent,
    applied: stream.applied,
    lost: stream.lost,
    doubled: stream.doubled,
    wrong_owner: stream.wrongOwner,
    in_flight: stream.inFlight,
    failed: stream.failed,
    retried: stream.retried,
    unsent: stream.unsent,
    longest_pause_ms: toMs(Math.max(pauseUs, stream.openPauseUs)),
    drains: {
      count: stream.drains.count,
      longest_ms: toMs(stream.drains.longestUs),
      longest_pause_ms: toMs(stream.drains.longestPauseUs),
      worst_pause_beyond_drain_ms: toMs(stream.drains.worstBeyondUs),
    },
  };
}

function sum(parts: readonly Figures[]): Figures {
  const total = (pick: (part: Figures) => number) => parts.reduce((value, part) => value + pick(part), 0);
  const longest = (pick: (part: Figures) => number) => parts.reduce((value, part) => Math.max(value, pick(part)), 0);
  return {
    sent: total((part) => part.sent),
    applied: total((part) => part.applied),
    lost: total((part) => part.lost),
    doubled: total((part) => part.doubled),
    wrong_owner: total((part) => part.wrong_owner),
    in_flight: total((part) => part.in_flight),
    failed: total((part) => part.failed),
    retried: total((part) => part.retried),
    unsent: total((part) => part.unsent),
    longest_pause_ms: longest((part) => part.longest_pause_ms),
    drains: {
      count: total((part) => part.drains.count),
      longest_ms: longest((part) => part.drains.longest_ms),
      longest_pause_ms: longest((part) => part.drains.longest_pause_ms),
      worst_pause_beyond_drain_ms: longest((part) => part.drains.worst_pause_beyond_drain_ms),
    },
  };
}
