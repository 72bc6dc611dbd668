import type { PlacedKind } from '@fairlead/contracts';

/**
 * The records of the fleet's ledgers. A ledger is append-only; `order` counts its records without a gap, `at_us` comes from
 * the fleet's one clock. One record is one line and is written whole or not at all, so whatever has to happen together
 * (a new state and the idempotency key that led to it) stands in one record.
 */
interface Stamp {
  order: number;
  at_us: number;
}

interface Stream {
  tenant: string;
  kind: PlacedKind;
}

/** The administrative command that led to a record. `params` is a digest of what it asked for besides the fence. */
export interface CommandMark {
  op: AdminOperation;
  key: string;
  params: string;
}

export const adminOperations = ['drain', 'resume', 'export', 'import', 'drop'] as const;
export type AdminOperation = (typeof adminOperations)[number];

interface Administered extends Stream {
  /** The highest fence seen for the tenant once this record holds. */
  fence: number;
  by?: CommandMark;
}

/** What a shard did. Ownership begins with `own` and ends with `release`, `imported` or `dropped`. */
export type ShardEvent =
  | ({ type: 'accepted'; seq: number; fence: number } & Stream)
  | ({ type: 'applied'; seq: number; fence: number } & Stream)
  | ({ type: 'own'; last_seq: number } & Administered)
  | ({ type: 'draining' } & Administered)
  | ({ type: 'drained' } & Administered)
  | ({ type: 'release'; last_seq: number } & Administered)
  | ({ type: 'imported'; last_seq: number; sha256: string } & Administered)
  | ({ type: 'dropped'; moved_revision: number } & Administered)
  | ({ type: 'noted' } & Administered);

/** What the load generator did: `started` stands for a start of the process, after which it sends again what is open. */
export type SenderEvent = { type: 'started' } | ({ type: 'sent' | 'acked' | SenderTrouble; seq: number } & Stream);

/**
 * `failed`: its caller was answered with an error, or waited longer than callers do. `retried`: it got no answer, as the
 * connection was refused or broke, and was sent again.
 */
export type SenderTrouble = 'failed' | 'retried';

/** The first shard a tenant was ever given to. */
export type ClaimEvent = { type: 'claimed'; shard: string } & Stream;

export type LedgerEvent = ShardEvent | SenderEvent | ClaimEvent;
export type Recorded<Event extends LedgerEvent> = Event & Stamp;
export type ShardRecord = Recorded<ShardEvent>;
export type SenderRecord = Recorded<SenderEvent>;

/** A ledger that can't be read: it was damaged elsewhere than at its unfinished end. */
export class LedgerDamagedError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LedgerDamagedError';
  }
}

/** Reads one line. Throws LedgerDamagedError when it is no record. */
export function parseRecord(line: string): Recorded<LedgerEvent> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new LedgerDamagedError('a ledger line is not JSON', error);
  }
  if (!isRecord(value)) throw new LedgerDamagedError('a ledger line is not a record');
  return value;
}

// Lines are our own and read by the million: what every reader relies on is checked, not each field of each type.
function isRecord(value: unknown): value is Recorded<LedgerEvent> {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Record<string, unknown>;
  return (
    typeof record['type'] === 'string' &&
    Number.isSafeInteger(record['order']) &&
    Number.isSafeInteger(record['at_us']) &&
    (record['seq'] === undefined || Number.isSafeInteger(record['seq']))
  );
}
