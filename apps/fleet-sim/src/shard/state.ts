import { join } from 'node:path';
import { z } from 'zod';
import { tenantStates, type PlacedKind } from '@fairlead/contracts';
import type { Clock } from '../clock.js';
import { Ledger, type Extent } from '../ledger/ledger.js';
import type { ShardEvent } from '../ledger/records.js';
import { readLedgerSnapshot, writeSnapshot } from '../ledger/snapshot.js';
import { absentTenant, evolve, type TenantOnShard } from './tenant.js';

const snapshotSchema = z.object({
  version: z.literal(1),
  position: z.number(),
  order: z.number(),
  tenants: z.array(
    z.tuple([
      z.string(),
      z.object({
        state: z.enum(tenantStates),
        fence: z.number(),
        lastSeq: z.number(),
        acceptedSeq: z.number(),
        movedRevision: z.number(),
        everOwned: z.boolean(),
        sha256: z.string(),
        done: z.array(z.tuple([z.string(), z.string()])),
      }),
    ]),
  ),
});

/** Where a shard keeps its ledger. */
export const shardLedgerDir = (dir: string) => join(dir, 'ledger');

/**
 * The tenants of one shard and their ledger. Memory is ahead of the disk by what is being committed; nobody outside is told
 * of anything before it is durable.
 */
export class ShardState {
  private constructor(
    readonly kind: PlacedKind,
    private readonly dir: string,
    private readonly tenants: Map<string, TenantOnShard>,
    private readonly ledger: Ledger<ShardEvent>,
    private covered: number,
  ) {}

  /** Reads a shard's state back from its snapshot and ledger; `onFailure` is called when the disk refuses a write later on. */
  static async open(options: {
    kind: PlacedKind;
    dir: string;
    clock: Clock;
    onFailure?: (error: unknown) => void;
    segmentBytes?: number | undefined;
  }): Promise<ShardState> {
    const snapshot = await readLedgerSnapshot(join(options.dir, 'snapshot.json'), snapshotSchema, shardLedgerDir(options.dir));
    const tenants = new Map<string, TenantOnShard>(
      snapshot?.tenants.map(([id, tenant]) => [id, { ...tenant, done: new Map(tenant.done) }]),
    );
    const ledger = await Ledger.open<ShardEvent>(
      { ...options, dir: shardLedgerDir(options.dir) },
      (record) => tenants.set(record.tenant, evolve(tenants.get(record.tenant) ?? absentTenant, record)),
      snapshot,
    );
    return new ShardState(options.kind, options.dir, tenants, ledger, snapshot?.position ?? 0);
  }

  get(tenant: string): TenantOnShard {
    return this.tenants.get(tenant) ?? absentTenant;
  }

  all(): IterableIterator<[string, TenantOnShard]> {
    return this.tenants.entries();
  }

  /** Makes something happen; resolves when it is durable. */
  record(event: ShardEvent, lazy = false): Promise<void> {
    const written = this.ledger.append(event, lazy);
    this.tenants.set(event.tenant, evolve(this.get(event.tenant), event));
    return written;
  }

  /** Resolves when all that happened so far is durable. */
  settled(): Promise<void> {
    return this.ledger.settled();
  }

  extent(): Extent {
    return this.ledger.extent();
  }

  /** Writes a snapshot, so that the next opening reads only the ledger after it. */
  async snapshot(): Promise<void> {
    const content = await this.ledger.atRest((end) => ({
      version: 1,
      ...end,
      tenants: Array.from(this.tenants, ([id, tenant]) => [id, { ...tenant, done: [...tenant.done] }]),
    }));
    await writeSnapshot(join(this.dir, 'snapshot.json'), content);
    this.covered = content.position;
  }

  /** Removes ledger segments that both the snapshot covers and `before` allows. */
  prune(before: number): Promise<void> {
    return this.ledger.prune(Math.min(before, this.covered));
  }

  close(): Promise<void> {
    return this.ledger.close();
  }

  crash(): Promise<void> {
    return this.ledger.crash();
  }
}
