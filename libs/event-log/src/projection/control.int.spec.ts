/** What operators decide about projections, on a real Postgres. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import type { Transaction } from '@fairlead/postgres';
import { testDatabase, testEvents, type TestDatabase } from '@fairlead/testing';
import {
  appendInTransaction,
  cancelRebuild,
  listProjections,
  pauseProjection,
  requestRebuild,
  resumeProjection,
  skipEvent,
} from '../index.js';

let database: TestDatabase;

/** A projection of audit's with two parts, the second of which is stopped at the third of five events. */
beforeAll(async () => {
  database = await testDatabase({ service: 'audit' });
  const events = Array.from(
    { length: 5 },
    (_, n) => ({ aggregateType: 'dead_letter', aggregateId: `d${n}`, type: 'changed', payload: {} }) as const,
  );
  await database.db.transaction((tx) => appendInTransaction(tx, { commandId: newId('command'), events }, testEvents));
  await database.db.query(`select log.lock_projection('kept'), log.add_epoch('kept', 3, 2, '{}')`);
  await database.db.query(`select log.advance_parts('kept', 1, array[0], 0, 4), log.advance_parts('kept', 1, array[1], 0, 2)`);
  await database.db.query(`select log.stop_part('kept', 1, 1, 3, 'no such field', interval '1 hour')`);
}, 60_000);

afterAll(() => database.drop());

const transaction = (work: (tx: Transaction) => Promise<void>) => database.db.transaction(work);
const state = async () => (await listProjections(database.db, 'kept'))[0];
const projectionState = { code: 'projection_state' };

describe('the list', () => {
  it('tells where each epoch stands, what is stopped, and the lag in events and seconds', async () => {
    const listed = await state();
    expect(listed).toEqual({
      name: 'kept',
      owner: 'audit',
      paused: false,
      rebuildRequested: false,
      rebuildRequestedAt: null,
      epochs: [
        {
          epoch: 1,
          serving: true,
          version: 3,
          position: 2,
          parts: 2,
          stopped: { position: 3, reason: 'no such field', part: 1, since: expect.any(Date) },
          rebuild: null,
          updatedAt: expect.any(Date),
        },
      ],
      lag: 3,
      lagSeconds: expect.any(Number),
      controlledAt: expect.any(Date),
      updatedAt: expect.any(Date),
    });
    expect(listed?.lagSeconds).toBeGreaterThan(0);
    expect(await listProjections(database.db, 'nobody')).toEqual([]);
  });
});

describe('decisions', () => {
  it('pause and resume, and refuse what is so already', async () => {
    await transaction((tx) => pauseProjection(tx, 'kept'));
    expect(await state()).toMatchObject({ paused: true });
    expect(await database.db.query(`select * from log.claim_parts('kept', 1, 100)`)).toEqual([]);
    await expect(transaction((tx) => pauseProjection(tx, 'kept'))).rejects.toMatchObject(projectionState);
    await transaction((tx) => resumeProjection(tx, 'kept'));
    await expect(transaction((tx) => resumeProjection(tx, 'kept'))).rejects.toMatchObject(projectionState);
    expect(await database.db.query(`select * from log.claim_parts('kept', 1, 100)`)).toEqual([{ part: 0, at: 4, skip: null, head: 5 }]);
  });

  it('skip an event only where it is stopped at it, once', async () => {
    for (const wrong of [{ position: 4 }, { epoch: 2 }, { position: 2 }]) {
      const skipped = transaction((tx) => skipEvent(tx, { name: 'kept', epoch: 1, position: 3, ...wrong }));
      await expect(skipped).rejects.toMatchObject(projectionState);
    }
    const at = { name: 'kept', epoch: 1, position: 3 };
    await transaction((tx) => skipEvent(tx, at));
    await expect(transaction((tx) => skipEvent(tx, at))).rejects.toMatchObject(projectionState);
    expect(await database.db.query(`select * from log.claim_parts('kept', 1, 100)`)).toEqual([{ part: 1, at: 2, skip: 3, head: 5 }]);
  });

  it('ask for one rebuild at a time, and give it up', async () => {
    await transaction((tx) => requestRebuild(tx, 'kept'));
    expect(await state()).toMatchObject({ rebuildRequested: true });
    await expect(transaction((tx) => requestRebuild(tx, 'kept'))).rejects.toMatchObject(projectionState);
    await transaction((tx) => cancelRebuild(tx, 'kept'));
    await expect(transaction((tx) => cancelRebuild(tx, 'kept'))).rejects.toMatchObject(projectionState);
    expect(await state()).toMatchObject({ rebuildRequested: false });
    await database.db.query(`select log.add_epoch('kept', 3, 1, '{}'), log.advance_parts('kept', 2, array[0], 0, 4)`);
    await expect(transaction((tx) => requestRebuild(tx, 'kept'))).rejects.toMatchObject(projectionState);
    expect((await state())?.epochs[1]).toMatchObject({
      epoch: 2,
      serving: false,
      position: 4,
      rebuild: {
        from: 0,
        head: 5,
        eventsPerSecond: expect.any(Number),
        startedAt: expect.any(Date),
        movedAt: expect.any(Date),
        levelAt: null,
      },
    });
    await transaction((tx) => cancelRebuild(tx, 'kept'));
    expect((await state())?.epochs).toHaveLength(1);
    expect(await database.db.query(`select * from log.claim_parts('kept', 2, 100)`)).toEqual([]);
  });

  it('change nothing when the event that tells of them is not appended', async () => {
    const paused = transaction(async (tx) => {
      await pauseProjection(tx, 'kept');
      await appendInTransaction(tx, {
        commandId: newId('command'),
        events: [{ aggregateType: 'projection', aggregateId: 'kept', type: 'paused', payload: {}, expectedVersion: 7 }],
      });
    });
    await expect(paused).rejects.toMatchObject({ code: 'version_conflict' });
    expect(await state()).toMatchObject({ paused: false });
  });

  it('know a projection', async () => {
    const decisions = [pauseProjection, resumeProjection, requestRebuild, cancelRebuild];
    for (const decide of decisions)
      await expect(transaction((tx) => decide(tx, 'nobody'))).rejects.toMatchObject({ code: 'projection_not_found' });
    const skipped = transaction((tx) => skipEvent(tx, { name: 'nobody', epoch: 1, position: 1 }));
    await expect(skipped).rejects.toMatchObject({ code: 'projection_not_found' });
  });
});
