/** What a statement of several transitions answers. On a real Postgres. */
import { describe, expect, it } from '@jest/globals';
import { boot, db } from '../engine/bench.fixture.js';
import { bear, firstRoom } from '../engine/born.fixture.js';
import { step, toyKind } from '../engine/toy.fixture.js';
import { writeBeat } from './beat.js';
import { loadJob, stateOf } from './jobs.js';
import { encodeTransition, writtenAsGiven, type Transition } from './transition.js';

/** A transition of a job of its own that changes nothing. */
async function transitionOf(tenant: string): Promise<Transition> {
  const kind = toyKind([step('one')]);
  boot(kind, { leaseMs: 60_000 });
  const room = await firstRoom(kind);
  const { jobId } = await bear(kind, room, tenant);
  const loaded = await loadJob(db, jobId);
  if (loaded?.job.owner == null) throw new Error('the job is claimed');
  const state = stateOf(loaded);
  const { owner, fence } = loaded.job;
  const nothing = { heedsCancel: false, passes: false, touches: false, release: false, pauses: false, finished: false };
  return { jobId, owner, fence, status: 'running', state, written: state.steps, ...nothing };
}

const none = { plans: [], starts: [], claims: [], commands: [] };

describe('transitions that are written together', () => {
  it('are as they were given when nothing is answered of them', async () => {
    const transition = await transitionOf('brief');
    expect(await writeBeat(db, { ...none, transitions: [transition] })).toMatchObject({ answers: [writtenAsGiven(transition)] });
  });

  it('are answered each to a replica of a release that does not ask for less', async () => {
    const transition = await transitionOf('wordy');
    const { brief: _brief, ...wordy } = encodeTransition(transition);
    const [row] = await db.query<{ written: unknown }>(
      `select written from write_beat(null, null, $1::jsonb, null, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')`,
      [JSON.stringify([wordy])],
    );
    expect(row?.written).toMatchObject([{ n: 1, written: true, fence: transition.fence }]);
  });

  it('are refused, none written, when two are of one job, or one under a fence that is over', async () => {
    const first = await transitionOf('twice');
    const second = await transitionOf('fenced');
    expect(await writeBeat(db, { ...none, transitions: [first, second, first].map((one) => ({ ...one, touches: true })) })).toEqual({
      refused: { transitions: [2] },
    });
    const late = { ...second, fence: second.fence - 1 };
    expect(await writeBeat(db, { ...none, transitions: [first, late] })).toEqual({ refused: { transitions: [1] } });
    const asked = { ...second, finished: true, release: true, touches: true, status: 'succeeded' as const };
    expect(await writeBeat(db, { ...none, transitions: [asked, { ...first, fence: 0 }] })).toEqual({ refused: { transitions: [1] } });
    expect((await loadJob(db, second.jobId))?.job.status).toBe('running');
  });
});
