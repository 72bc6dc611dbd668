import { afterEach, describe, expect, it } from '@jest/globals';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { eventually, testFolder } from '@fairlead/testing';
import { Fleet } from './testing/fleet.js';

const tenants = ['tenant-01', 'tenant-02', 'tenant-03', 'tenant-04', 'tenant-05', 'tenant-06'];
const env = { SIM_TENANTS: String(tenants.length), SIM_RATE: '200' };
const exact = { lost: 0, doubled: 0, wrong_owner: 0, unsent: 0 };

let fleet: Fleet;
afterEach(() => fleet.stop());

async function startLoaded(): Promise<string> {
  const dir = testFolder('fleet');
  fleet = await Fleet.start(dir, env);
  fleet.placeAll(tenants);
  await eventually(
    async () => Object.values((await fleet.report()).tenants).filter(({ applied }) => applied > 5).length === tenants.length,
    { what: 'load on every tenant' },
  );
  return dir;
}

const other = (kind: PlacedKind, tenant: string) => (fleet.maps[kind].get(tenant) === `${kind}-1` ? `${kind}-2` : `${kind}-1`);

describe('simulated fleet under load', () => {
  it('hands tenants over without losing, doubling or misplacing a command', async () => {
    await startLoaded();
    for (const kind of placedKinds) await fleet.handOver('tenant-01', kind, other(kind, 'tenant-01'));
    await Promise.all(tenants.map((tenant) => fleet.handOver(tenant, 'runner', other('runner', tenant))));
    const before = (await fleet.report()).applied;
    await eventually(async () => (await fleet.report()).applied > before + 100, { what: 'load after the hand-overs' });
    const report = await fleet.report();
    expect(report).toMatchObject(exact);
    expect(report.drains.count).toBe(3 + tenants.length);
    expect(report.drains.worst_pause_beyond_drain_ms).toBeLessThan(500);
    expect(report.tenants['tenant-01']).toMatchObject(exact);
  });
});
