/**
 * The fleet serves on without a single failed command while the whole control plane, Postgres and NATS are dead.
 *
 * One gateway is restarted meanwhile and has nothing but the placement on its disk. A migration that was under way goes on
 * afterwards, and a new one can be made.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { StackPart } from '@fairlead/dev-env';
import { controlPlaneServices } from '@fairlead/contracts';
import { eventuallyHolds } from '@fairlead/testing';
import { Disturbed } from '../e2e/support/disturbed.js';
import { proof } from '../e2e/support/proof.js';

const { full, figures, raw } = proof();
const durationMs = full ? 60_000 : 12_000;
const windowMs = 10_000;
const parts: readonly StackPart[] = [...controlPlaneServices, 'nats', 'postgres'];

let world: Disturbed;

beforeAll(async () => {
  world = await Disturbed.start();
}, 180_000);

afterAll(async () => {
  await world.stack.stop();
}, 60_000);

/** Asserts that every tenant is served in each part of a time by the fleet's clock: nobody waits for the control plane. */
async function servesAll(forMs: number): Promise<void> {
  let last = await world.ann.report();
  const until = last.as_of_ms + forMs;
  while (last.as_of_ms < until) {
    await world.fleetServesFor(Math.min(windowMs, until - last.as_of_ms));
    const now = await world.ann.report();
    const waiting = Object.entries(now.tenants).filter(([tenant, { applied }]) => applied <= (last.tenants[tenant]?.applied ?? 0));
    expect(waiting.map(([tenant]) => tenant)).toEqual([]);
    last = now;
  }
}

it('serves every command from the last placement, and goes on afterwards', async () => {
  const { ann, stack } = world;
  // Under way and not yet drained: the tenant is served during the blackout.
  const moving = world.nextTenant();
  const target = await ann.elsewhere(moving);
  await world.gatewaysFollow();
  const drain = world.pauseAt('drain');
  const jobId = await ann.migrateSoon(moving, target);
  await drain.reached();

  const before = await ann.report();
  const holds = await Promise.all(parts.map((part) => stack.hold(part)));
  expect(Object.keys(stack.pids())).toEqual(['fleet-sim']);
  drain.release();
  await servesAll(durationMs / 3);
  const [applied] = await world.applied();
  await ann.turn('gateway', 'gateway-1', { down: true });
  await ann.turn('gateway', 'gateway-1', { down: false });
  expect((await world.applied())[0]).toMatchObject({ epoch: applied?.epoch, revision: applied?.revision });
  await servesAll((durationMs * 2) / 3);
  const during = await ann.report(before.as_of_ms);
  expect({ failed: during.failed, lost: during.lost, doubled: during.doubled, wrong_owner: during.wrong_owner }).toEqual({
    failed: 0,
    lost: 0,
    doubled: 0,
    wrong_owner: 0,
  });
  const served = during.applied - before.applied;

  // As a machine's supervisor would: all at once, in no order.
  await Promise.all(holds.map((hold) => hold.release()));
  await eventuallyHolds(
    async () => {
      expect(await (await fetch(`${stack.url}/ready`)).json()).toMatchObject({ status: 'ready' });
      expect((await ann.job(jobId)).job_id).toBe(jobId);
    },
    { timeoutMs: 90_000, intervalMs: 200, what: 'the control plane to answer' },
  );
  const first = await ann.ended(jobId, 90_000);
  expect({ status: first.status, error: first.error }).toEqual({ status: 'succeeded', error: null });
  expect(await ann.placementOf(moving)).toEqual(target);
  const tenant = world.nextTenant();
  const to = await ann.elsewhere(tenant);
  const second = await ann.ended(await ann.migrateSoon(tenant, to), 60_000);
  expect({ status: second.status, error: second.error }).toEqual({ status: 'succeeded', error: null });
  expect(await ann.placementOf(tenant)).toEqual(to);
  await world.gatewaysFollow();
  await Promise.all([moving, tenant].map((moved) => world.served(moved)));
  const after = await world.exact();
  expect(after.failed).toBe(0);
  await world.audited(second);
  Object.assign(figures, {
    blackout_ms: during.as_of_ms - before.as_of_ms,
    commands_served: served,
    commands_per_second: Math.round((served * 1_000) / (during.as_of_ms - before.as_of_ms)),
    failed: after.failed,
    retried: during.retried - before.retried,
    longest_pause_ms: during.longest_pause_ms,
  });
  raw.push({ before, during, after });
}, 300_000);
