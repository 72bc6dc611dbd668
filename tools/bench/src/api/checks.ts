/** The check of a permission, beside what it may take. */
import { compare, type Row } from '../figures.js';
import type { BenchRun } from '../run.js';
import { inProcesses } from './processes.js';

const limitNs = 1_000;

/** The part `permissions`. */
export async function measurePermissions(run: BenchRun): Promise<Row[]> {
  const ours: number[] = [];
  for (let round = 0; round < (run.quick ? 1 : 5); round += 1) {
    const [asked] = await inProcesses('permissions', [{ questions: run.quick ? 200_000 : 5_000_000 }]);
    if (asked === undefined) throw new Error('the questions have no figures');
    ours.push(asked.nsEach);
    run.log(`  ${asked.nsEach.toFixed(0)} ns`);
  }
  const given = { metric: 'a permission checked, 50 scopes', unit: 'ns', peerName: 'the limit' };
  return [compare({ ...given, ours, peer: ours.map(() => limitNs), goal: { atMost: 1 } })];
}
