/** What travels together and can't all be written: the rest is. On a real Postgres. */
import { describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { prepareCommand } from '@fairlead/event-log';
import type { Claim } from '../store/claim.js';
import { loadJob, stateOf } from '../store/jobs.js';
import { registerReplica } from '../store/replica.js';
import type { Transition } from '../store/transition.js';
import { boot, db, historyOf, plan, start } from './bench.fixture.js';
import { jobEvent } from './events.js';
import { step, toyKind } from './toy.fixture.js';
import { writerOf } from './writer.js';

const writer = writerOf(db);
const deps = boot(toyKind([step('one')]), { engine: false });

async function claimed(tenants: readonly string[]): Promise<{ replica: string; claims: Claim[] }> {
  const replica = newId('replica');
  await registerReplica(db, { replicaId: replica, host: '', pid: 1, kinds: ['toy:1'], leaseMs: 60_000 });
  for (const tenant of tenants) await start(deps, tenant);
  const claims = await writer.claim({ replica, kinds: ['toy:1'], most: tenants.length });
  expect(claims).toHaveLength(tenants.length);
  return { replica, claims };
}

/** The end of a claimed job, with its event. */
function endOf(owner: string, { jobId, loaded }: Claim, change: Partial<Transition> = {}) {
  if (loaded === undefined) throw new Error('a claim brings its job');
  const state = stateOf(loaded);
  const transition: Transition = {
    ...{ jobId, owner, fence: loaded.job.fence, status: 'succeeded', state, written: state.steps, finished: true, release: true },
    ...{ passes: false, touches: true, heedsCancel: false, pauses: false, ...change },
  };
  const events = [jobEvent({ jobId, tenantId: undefined }, { type: 'job_succeeded', payload: {} })];
  return writer.transition({ transition, commands: [prepareCommand({ events })] });
}

describe('what is written together', () => {
  it('is written without the one whose claim is over, and told so', async () => {
    const { replica, claims } = await claimed(['a', 'b', 'c', 'd', 'e']);
    const ends = await Promise.all(claims.map((claim, n) => endOf(replica, claim, n === 3 ? { fence: 1 } : {})));
    expect(ends.map(({ answer }) => answer?.written)).toEqual([true, true, true, undefined, true]);
    expect(ends.map(({ position }) => typeof position)).toEqual(['number', 'number', 'number', 'undefined', 'number']);
    for (const [n, { jobId }] of claims.entries()) {
      const [over, told] = [n !== 3, (await historyOf(jobId)).filter((type) => type === 'job_succeeded').length];
      expect([(await loadJob(db, jobId))?.job.status, told]).toEqual(over ? ['succeeded', 1] : ['running', 0]);
    }
  });

  it('makes one job of a key, refuses what would have to wait, and makes the others', async () => {
    const [key, digest] = [newId('request'), await plan(deps, 'twice')];
    await start(deps, 'taken');
    const outcomes = await Promise.allSettled([
      start(deps, 'twice', { planDigest: digest, idempotencyKey: key }),
      start(deps, 'taken', { onConflict: 'reject' }),
      start(deps, 'twice', { planDigest: digest, idempotencyKey: key }),
      start(deps, 'another'),
    ]);
    const [first, refused, second, other] = outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as { code: string }).code,
    );
    expect(refused).toBe('lock_held');
    expect(first).toMatchObject({ jobId: (second as { jobId: string }).jobId });
    expect([first, second].filter((made) => (made as { repeated: boolean }).repeated)).toHaveLength(1);
    expect(other).toMatchObject({ repeated: false });
    expect(await historyOf((first as { jobId: string }).jobId)).toEqual(['job_queued']);
  });
});
