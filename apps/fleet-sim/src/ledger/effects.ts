import type { LedgerSource } from '../checker/ledger-follower.js';
import { listSegments } from './files.js';
import { readLedger } from './reader.js';
import type { AdminOperation, LedgerEvent } from './records.js';

/** What an administrative command did on a shard, as its ledger has it. */
export interface AdminEffect {
  /** `<kind>/<shard>`. */
  shard: string;
  tenant_id: string;
  op: AdminOperation;
  key: string;
  fence: number;
  /** The record's type; `noted` when all was as asked already, so that nothing changed. */
  record: LedgerEvent['type'];
  at_us: number;
}

/**
 * Reads every administrative command that shards have done, in the order of time: once for each time it took effect,
 * not for each time it was asked.
 *
 * @param keyPrefix only of commands whose idempotency key begins so
 * @returns `complete` is false when ledgers begin later, because what was accounted for was removed
 */
export async function readEffects(
  sources: readonly LedgerSource[],
  keyPrefix: string,
): Promise<{ effects: AdminEffect[]; complete: boolean }> {
  const effects: AdminEffect[] = [];
  let complete = true;
  for (const source of sources) {
    const { name, dir } = source;
    const start = (await listSegments(dir))[0]?.start ?? 0;
    complete &&= start === 0;
    for await (const batch of readLedger(dir, start, source.extent().position)) {
      for (const { record } of batch) {
        if (!('by' in record) || record.by?.key.startsWith(keyPrefix) !== true) continue;
        const { op, key } = record.by;
        effects.push({ shard: name, tenant_id: record.tenant, op, key, fence: record.fence, record: record.type, at_us: record.at_us });
      }
    }
  }
  return { effects: effects.sort((a, b) => a.at_us - b.at_us), complete };
}
