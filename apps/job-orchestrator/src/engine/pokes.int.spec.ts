/** Pokes between replicas over a real NATS. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, testMessaging, type TestMessaging } from '@fairlead/testing';
import { jobPokes, type JobPokes } from './pokes.js';

let bus: TestMessaging;
let here: JobPokes;
let there: JobPokes;
const woken = { here: [] as (string | undefined)[], there: [] as (string | undefined)[] };
/** What is on the wire. */
const told: unknown[] = [];

beforeAll(async () => {
  bus = await testMessaging();
  here = jobPokes(bus.messaging, (jobId) => void woken.here.push(jobId));
  there = jobPokes(bus.messaging, (jobId) => void woken.there.push(jobId));
  bus.messaging.subscribeCore(bus.messaging.topology.subjects.jobPoke, (data) => told.push(data));
}, 60_000);

afterAll(async () => {
  here.close();
  there.close();
  await bus.close();
});

describe('pokes', () => {
  it('of many jobs at once are one, which wakes the others and not who sent it once more', async () => {
    for (let n = 0; n < 50; n += 1) here.claimable();
    here.changed('job_1');
    await eventually(() => woken.there.includes('job_1') && told.length >= 2, { what: 'the pokes to arrive' });
    await eventually(() => woken.there.length === 2, { what: 'both of them to arrive there' });
    expect(told).toHaveLength(2);
    expect(woken.there.toSorted()).toEqual(['job_1', undefined]);
    // Woken at once by each call of its own, and by none of what the server brings back.
    expect(woken.here).toEqual([...Array.from({ length: 50 }, () => undefined), 'job_1']);
  });

  it('that jobs can be claimed elsewhere do not wake the engine here', async () => {
    const before = woken.here.length;
    const heard = woken.there.length;
    here.claimableElsewhere();
    await eventually(() => woken.there.length === heard + 1, { what: 'the poke to arrive' });
    expect(woken.here).toHaveLength(before);
  });
});
