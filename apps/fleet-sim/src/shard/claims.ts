import type { PlacedKind } from '@fairlead/contracts';
import type { Clock } from '../clock.js';
import { Ledger } from '../ledger/ledger.js';
import type { ClaimEvent } from '../ledger/records.js';

/**
 * Which shard a tenant was first given to, for the whole fleet and for ever. A shard makes a tenant up only when it holds
 * this claim, so two shards never both do, whatever placements they have seen.
 */
export class Claims {
  private constructor(
    private readonly holders: Map<string, { shard: string; durable: Promise<void> }>,
    private readonly ledger: Ledger<ClaimEvent>,
  ) {}

  static async open(dir: string, clock: Clock): Promise<Claims> {
    const holders = new Map<string, { shard: string; durable: Promise<void> }>();
    const ledger = await Ledger.open<ClaimEvent>({ dir, clock }, ({ kind, tenant, shard }) => {
      holders.set(`${kind} ${tenant}`, { shard, durable: Promise.resolve() });
    });
    return new Claims(holders, ledger);
  }

  /** True when the tenant was first given to this shard, now or before; durable when it resolves. */
  async claim(kind: PlacedKind, tenant: string, shard: string): Promise<boolean> {
    const key = `${kind} ${tenant}`;
    let holder = this.holders.get(key);
    if (holder === undefined) {
      holder = { shard, durable: this.ledger.append({ type: 'claimed', tenant, kind, shard }) };
      this.holders.set(key, holder);
    }
    if (holder.shard !== shard) return false;
    await holder.durable;
    return true;
  }

  close(): Promise<void> {
    return this.ledger.close();
  }
}
