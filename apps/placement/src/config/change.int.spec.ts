import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headPosition, readLog } from '@fairlead/event-log';
import { newContext, runInContext } from '@fairlead/telemetry';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrations } from '../store/migrations/index.js';
import { promoteRevision, revertChange, stageRevision, type StageRequest } from './change.js';
import { canonicalForm, sha256Of } from './domain/canonical.js';
import { readEffective, readRevision } from './read.js';
import { findDocument, listRevisions } from './store/documents.js';
import { keepContent } from './store/writes.js';

let database: TestDatabase;
let names = 0;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement', migrations });
}, 120_000);

afterAll(() => database.drop());

/** A document of its own for each test. */
const fresh = () => ({ domain: 'feature-flags', name: `doc-${String(++names)}`, scope: 'platform' }) as const;
type Identity = ReturnType<typeof fresh>;
const asAda = <T>(work: () => Promise<T>) => runInContext(newContext({ principal: 'user:usr_ada' }), work);
const flags = (value: number) => canonicalForm({ flags: { fast: { description: '', tenants: {}, value } } });

async function kept(value: number): Promise<string> {
  const content = flags(value);
  await database.db.transaction((tx) => keepContent(tx, sha256Of(content), content));
  return sha256Of(content);
}
async function stage(identity: Identity, value: number, more: Partial<StageRequest> = {}) {
  const sha256 = await kept(value);
  const request = {
    identity,
    sha256,
    expectedRevision: 0,
    gateways: ['gw-1'],
    idempotencyKey: `${identity.name}:${String(value)}`,
    fence: 1,
  };
  return asAda(() => stageRevision(database.db, { ...request, reason: 'a test', ...more }));
}
const promote = (identity: Identity, revision: number, more: { fence?: number; restored?: number } = {}) =>
  asAda(() => promoteRevision(database.db, { identity, revision, restored: undefined, fence: 1, reason: 'a test', ...more }));
const revert = (identity: Identity, value: number, fence = 1) =>
  asAda(() => revertChange(database.db, { identity, stagedBy: `${identity.name}:${String(value)}`, fence, reason: 'a test' }));
const apply = async (identity: Identity, value: number, expectedRevision: number, restored?: number) =>
  promote(identity, (await stage(identity, value, { expectedRevision })).revision, restored === undefined ? {} : { restored });
const inForce = async (identity: Identity) => {
  const { row, content, candidateRevision } = await readEffective(database.db, identity);
  return [row.revision, content, candidateRevision];
};
const historyOf = async (identity: Identity) =>
  (await listRevisions(database.db, identity, { limit: 20, before: 0 })).map(({ revision, state }) => `${String(revision)} ${state}`);

describe('a change of configuration', () => {
  it('is staged, then in force, each with its event', async () => {
    const identity = fresh();
    const { revision } = await stage(identity, 1);
    expect([revision, (await inForce(identity))[0], (await inForce(identity))[2]]).toEqual([1, 0, 1]);
    expect((await findDocument(database.db, identity))?.candidateGateways).toEqual(['gw-1']);
    await promote(identity, 1);
    expect(await inForce(identity)).toEqual([1, flags(1), 0]);
    const events = await readLog(database.db, {
      after: 0,
      limit: 10,
      aggregateType: 'config',
      aggregateId: `feature-flags/platform/${identity.name}`,
    });
    expect(events.map(({ type, meta }) => [type, meta.principal, meta.reason])).toEqual([
      ['config_staged', 'user:usr_ada', 'a test'],
      ['config_applied', 'user:usr_ada', 'a test'],
    ]);
  });

  it('of two at once one wins, and the other finds the precondition gone', async () => {
    const identity = fresh();
    await apply(identity, 1, 0);
    const outcomes = await Promise.allSettled([2, 3, 4].map((value) => stage(identity, value, { expectedRevision: 1 })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({
          code: 'revision_mismatch',
          kind: 'precondition_failed',
          details: { expected: 1, actual: 1, staged: 2 },
        });
    expect(await historyOf(identity)).toEqual(['2 staged', '1 effective']);
  });

  it('from another revision than the one in force changes nothing', async () => {
    const identity = fresh();
    await apply(identity, 1, 0);
    const head = await headPosition(database.db);
    await expect(stage(identity, 2, { expectedRevision: 0 })).rejects.toMatchObject({ code: 'revision_mismatch' });
    await expect(promote(identity, 7)).rejects.toMatchObject({ code: 'revision_mismatch' });
    expect(await inForce(identity)).toEqual([1, flags(1), 0]);
    expect(await headPosition(database.db)).toBe(head);
  });

  it('that is repeated is made once, and under another fence than the highest not at all', async () => {
    const identity = fresh();
    const first = await stage(identity, 1, { fence: 5 });
    const head = await headPosition(database.db);
    expect(await stage(identity, 1, { fence: 6, gateways: ['gw-2'] })).toEqual({ ...first, position: undefined });
    await expect(stage(identity, 1, { fence: 6, reason: 'another' })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    await expect(stage(identity, 1, { fence: 5 })).rejects.toMatchObject({ code: 'stale_fence' });
    await expect(promote(identity, 1, { fence: 5 })).rejects.toMatchObject({ code: 'stale_fence' });
    await expect(revert(identity, 1, 5)).rejects.toMatchObject({ code: 'stale_fence' });
    expect(await headPosition(database.db)).toBe(head);
    await promote(identity, 1, { fence: 6 });
    expect((await promote(identity, 1, { fence: 6 })).position).toBeUndefined();
  });

  it('with a content that is not kept is refused, and its fence counts', async () => {
    const identity = fresh();
    await expect(stage(identity, 1, { sha256: '0'.repeat(64), fence: 9 })).rejects.toMatchObject({ code: 'config_source' });
    await expect(stage(identity, 1, { fence: 8 })).rejects.toMatchObject({ code: 'stale_fence' });
  });

  it('that is staged can be withdrawn; its number is not given out again', async () => {
    const identity = fresh();
    await apply(identity, 1, 0);
    await stage(identity, 2, { expectedRevision: 1 });
    await revert(identity, 2);
    expect(await inForce(identity)).toEqual([1, flags(1), 0]);
    expect((await revert(identity, 2)).position).toBeUndefined();
    await apply(identity, 3, 1);
    expect(await historyOf(identity)).toEqual(['3 effective', '2 withdrawn', '1 superseded']);
  });

  it('that is in force can be taken back, to the very bytes from before, as a new revision', async () => {
    const identity = fresh();
    await apply(identity, 1, 0);
    await stage(identity, 2, { expectedRevision: 1 });
    await revert(identity, 2);
    await apply(identity, 3, 1);
    expect((await revert(identity, 3)).revision).toBe(4);
    const [now, first] = [await readEffective(database.db, identity), await readRevision(database.db, identity, 1)];
    expect([now.content, now.row.sha256]).toEqual([first?.content, first?.row.sha256]);
    expect(now.row.reason).toBe('taken back: a test');
    expect((await readRevision(database.db, identity, 3))?.row.reason).toBe('a test');
    // Once is enough: what it staged is in force no more.
    expect((await revert(identity, 3)).revision).toBe(4);
    expect(await historyOf(identity)).toEqual(['4 effective', '3 superseded', '2 withdrawn', '1 superseded']);
  });

  it('that was the first can be taken back to the defaults', async () => {
    const identity = fresh();
    await apply(identity, 1, 0);
    await revert(identity, 1);
    expect(await inForce(identity)).toEqual([2, '{"flags":{}}', 0]);
  });

  it('that nobody made takes nothing back', async () => {
    const identity = fresh();
    await apply(identity, 1, 0);
    expect(await revert(identity, 99, 3)).toEqual({ revision: 1, gateways: [], position: undefined });
    // What is on its way under the old fence comes too late.
    await expect(stage(identity, 99, { expectedRevision: 1, fence: 2 })).rejects.toMatchObject({ code: 'stale_fence' });
  });
});
