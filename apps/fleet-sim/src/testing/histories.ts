import type { PlacedKind } from '@fairlead/contracts';
import type { LedgerEvent, Recorded, SenderEvent, ShardEvent } from '../ledger/records.js';
import { senderSource } from '../checker/checker.js';

/** For specs: ledgers written by hand, with times and orders filled in. */
export class History {
  readonly ledgers = new Map<string, Recorded<LedgerEvent>[]>([[senderSource, []]]);
  private atUs = 1_000_000;

  constructor(
    readonly kind: PlacedKind = 'aggregate',
    readonly tenant = 'tenant-01',
  ) {}

  /** Lets time pass, in milliseconds. */
  wait(ms: number): this {
    this.atUs += ms * 1000;
    return this;
  }

  sent(seq: number): this {
    return this.sender({ type: 'sent', tenant: this.tenant, kind: this.kind, seq });
  }

  acked(seq: number): this {
    return this.sender({ type: 'acked', tenant: this.tenant, kind: this.kind, seq });
  }

  sender(event: SenderEvent): this {
    return this.write(senderSource, event);
  }

  own(shard: string, fence: number, lastSeq: number): this {
    return this.shard(shard, { type: 'own', tenant: this.tenant, kind: this.kind, fence, last_seq: lastSeq });
  }

  mark(shard: string, type: 'draining' | 'drained', fence: number): this {
    return this.shard(shard, { type, tenant: this.tenant, kind: this.kind, fence });
  }

  release(shard: string, fence: number, lastSeq: number): this {
    return this.shard(shard, { type: 'release', tenant: this.tenant, kind: this.kind, fence, last_seq: lastSeq });
  }

  accepted(shard: string, seq: number): this {
    return this.shard(shard, { type: 'accepted', tenant: this.tenant, kind: this.kind, fence: 0, seq });
  }

  applied(shard: string, seq: number): this {
    return this.shard(shard, { type: 'applied', tenant: this.tenant, kind: this.kind, fence: 0, seq });
  }

  shard(shard: string, event: ShardEvent): this {
    return this.write(shard, event);
  }

  /** A command from its sending to its acknowledgement. */
  served(shard: string, seq: number): this {
    return this.sent(seq).applied(shard, seq).acked(seq);
  }

  /** A whole hand-over. */
  moved(from: string, to: string, fence: number, lastSeq: number): this {
    return this.mark(from, 'draining', fence).mark(from, 'drained', fence).release(from, fence, lastSeq).own(to, fence, lastSeq);
  }

  private write(source: string, event: LedgerEvent): this {
    const records = this.ledgers.get(source) ?? [];
    this.ledgers.set(source, records);
    this.atUs += 1000;
    records.push({ order: records.length + 1, at_us: this.atUs, ...event });
    return this;
  }
}
