/** A new reader's full load of a large placement. */
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { placedKinds } from '@fairlead/contracts';
import { startNats } from '@fairlead/local-servers';
import { compare, type Row } from '../figures.js';
import { nowMs } from '../log/watching.js';
import type { BenchRun } from '../run.js';
import { follow } from './following.js';
import { readBytes } from './received.js';
import { connectTo, fill, sides, type Side } from './world.js';

/** The part `load`. */
export async function measureLoad(run: BenchRun): Promise<Row[]> {
  const tenants = run.quick ? 2_000 : 50_000;
  const seats = tenants * placedKinds.length;
  // What is measured is reading: what is read is flushed to disk later.
  const nats = await startNats({ dir: join(run.folder, 'load-nats'), log: run.log, fsync: false });
  run.defer(() => nats.stop());
  for (const side of sides) await fill(side, nats.url, tenants);
  const found: Record<Side, { ms: number; bytes: number }[]> = { ours: [], peer: [] };
  for (let round = 0; round < (run.quick ? 1 : 5); round += 1) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const connection = await connectTo(nats.url);
      const before = readBytes();
      const begun = nowMs();
      const follower = await follow(side, connection, () => undefined);
      await follower.loaded(seats);
      const one = { ms: nowMs() - begun, bytes: readBytes() - before };
      found[side].push(one);
      run.log(`  ${side.padEnd(5)} ${one.ms.toFixed(0)} ms, ${one.bytes.toFixed(0)} bytes`);
      await follower.stop();
      await connection.close();
      await turn();
    }
  }
  const metric = `a new reader loads ${String(tenants)} tenants × ${String(placedKinds.length)} kinds`;
  const row = (unit: 'ms' | 'bytes') =>
    compare({ metric, unit, ours: found.ours.map((one) => one[unit]), peer: found.peer.map((one) => one[unit]), peerName: 'kv.watch()' });
  return [row('ms'), row('bytes')];
}
