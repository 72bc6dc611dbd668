import { cpSync, mkdtempSync, readFileSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { createLogger } from '@fairlead/telemetry';
import { createClock } from '../clock.js';
import { segmentPath } from '../ledger/files.js';
import { parseRecord, type ShardRecord } from '../ledger/records.js';
import { PlacementBoard, placementOf } from '../placement.js';
import { Claims } from './claims.js';
import { Shard } from './shard.js';
import { shardLedgerDir, ShardState } from './state.js';
import { sha256, type AdminCommand } from './tenant.js';

// Much of it waits for disks and timers, which take their time on a busy machine.
/**
 * A crash at any byte of a shard's ledger: whoever drives it repeats the step whose answer it did not get, and everything
 * ends as it does without the crash, each command applied once.
 */
const tenant = 'tenant-01';
const logger = createLogger({ service: 'spec', level: 'silent' });
const movedRevision = 9;

interface Life {
  shard: Shard;
  state: ShardState;
  claims: Claims;
}
type Step = (life: Life) => Promise<unknown>;

async function open(dir: string, kind: PlacedKind): Promise<Life> {
  const clock = createClock();
  const placement = new PlacementBoard();
  const only = new Map([[tenant, `${kind}-1`]]);
  placement.show(placementOf({ epoch: 1, revision: 1, shards: [], maps: { aggregate: only, projection: only, runner: only } }));
  const claims = await Claims.open(join(dir, 'claims'), clock);
  const state = await ShardState.open({ kind, dir: join(dir, 'shard'), clock });
  const shard = new Shard({ kind, shardId: `${kind}-1`, state, claims, placement, stuck: () => false, random: () => 0, logger });
  return { shard, state, claims };
}

const commands = (from: number, to: number): Step[] =>
  Array.from(
    { length: to - from + 1 },
    (_, i) =>
      ({ shard }) =>
        shard.command(tenant, from + i),
  );
const admin =
  (command: AdminCommand): Step =>
  ({ shard }) =>
    shard.administer(tenant, command);
const drained: Step = async ({ shard }) => {
  while ((await shard.tenant(tenant)).state === 'draining') await sleep(1);
};

const copyData = (kind: PlacedKind) => JSON.stringify({ version: 1, tenant, kind, last_seq: 2, pending: [] });

/** A whole life of a tenant on one shard: served, drained, handed over, dropped, brought back, served, drained and resumed. */
function script(kind: PlacedKind): Step[] {
  return [
    ...commands(1, 2),
    admin({ op: 'drain', key: 'drain', fence: 3 }),
    drained,
    admin({ op: 'export', key: 'export', fence: 3 }),
    admin({ op: 'drop', key: 'drop', fence: 3, movedRevision }),
    admin({ op: 'import', key: 'import', fence: 4, lastSeq: 2, sha256: sha256(copyData(kind)) }),
    admin({ op: 'resume', key: 'resume', fence: 4 }),
    ...commands(3, 4),
    admin({ op: 'drain', key: 'drain again', fence: 5 }),
    admin({ op: 'resume', key: 'undo', fence: 5 }),
    ...commands(5, 5),
  ];
}

async function end({ shard, state, claims }: Life): Promise<void> {
  while ((await shard.tenant(tenant)).lag > 0) await sleep(1);
  shard.stop();
  await Promise.all([state.close(), claims.close()]);
}

const ledgerFile = (dir: string) => segmentPath(shardLedgerDir(join(dir, 'shard')), 0);

function readRecords(dir: string): ShardRecord[] {
  return readFileSync(ledgerFile(dir), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => parseRecord(line) as ShardRecord);
}

describe.each(placedKinds)('%s shard', (kind) => {
  it('goes on after a crash at any place in its ledger as if there had been none', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'recovery-'));
    const life = await open(dir, kind);
    const answeredAt: number[] = [];
    for (const step of script(kind)) {
      await step(life);
      answeredAt.push(life.state.extent().position);
    }
    await end(life);

    const ledger = readFileSync(ledgerFile(dir));
    const ends = [...ledger.entries()].flatMap(([index, byte]) => (byte === 0x0a ? [index + 1] : []));
    for (const cut of [0, ...ends.flatMap((position) => [position - 7, position])]) {
      const crashed = mkdtempSync(join(tmpdir(), 'recovery-'));
      cpSync(dir, crashed, { recursive: true });
      truncateSync(ledgerFile(crashed), cut);
      const again = await open(crashed, kind);
      const steps = script(kind).filter((_, index) => (answeredAt[index] ?? 0) > cut);
      for (const step of steps) await step(again);
      await end(again);

      const records = readRecords(crashed);
      expect(records.map(({ order }) => order)).toEqual(records.map((_, index) => index + 1));
      expect(records.flatMap((record) => (record.type === 'applied' ? [record.seq] : []))).toEqual([1, 2, 3, 4, 5]);
      expect(again.state.get(tenant)).toEqual(life.state.get(tenant));
    }
  });

  it('reads the same state from a snapshot and the rest as from the whole ledger', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'recovery-'));
    const life = await open(dir, kind);
    const steps = script(kind);
    for (const [index, step] of steps.entries()) {
      await step(life);
      if (index % 4 === 0) await life.state.snapshot();
    }
    await end(life);
    const again = await open(dir, kind);
    expect(again.state.get(tenant)).toEqual(life.state.get(tenant));
    await end(again);
    // A ledger that was changed under its snapshot counts, not the snapshot.
    const lines = readFileSync(ledgerFile(dir), 'utf8').split('\n');
    truncateSync(ledgerFile(dir), lines.slice(0, 3).join('\n').length + 1);
    const changed = await open(dir, kind);
    expect(changed.state.get(tenant).lastSeq).toBeLessThan(5);
    await end(changed);
  });
});
