import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditV1 } from '@fairlead/contracts';
import { eventually } from '@fairlead/testing';
import { jobEvent, startStack, type Stack } from './audit.fixture.js';

let stack: Stack;
let admin: ReturnType<Stack['projectionsOf']>;
let viewer: ReturnType<Stack['projectionsOf']>;

beforeAll(async () => {
  stack = await startStack();
  admin = stack.projectionsOf('admin');
  viewer = stack.projectionsOf('viewer');
}, 120_000);

afterAll(() => stack.stop());

const name = 'audit_record';
const shown = async () => {
  const { projection } = await viewer.getProjection({ name });
  if (projection === undefined) throw new Error('the trail is a projection');
  return projection;
};
const typesOf = async () =>
  (
    await stack.database.db.query<{ type: string; reason: string }>(
      `select type, meta ->> 'reason' as reason from log.event where aggregate_type = 'projection' and aggregate_id = $1 order by position`,
      [name],
    )
  ).map(({ type, reason }) => [type, reason]);

describe('projections', () => {
  it('are shown with how far they are', async () => {
    const position = await stack.append('job-orchestrator', jobEvent('job_1', 'job_created'));
    await stack.list({ waitForPosition: position });
    expect(await shown()).toMatchObject({ name, owner: 'audit', state: 'running', paused: false, position, lag: 0, lagSeconds: 0 });
    const { projections, head } = await viewer.listProjections({});
    expect([projections.map((each) => each.name), head]).toEqual([expect.arrayContaining([name]), position]);
    await expect(viewer.getProjection({ name: 'nobody' })).rejects.toMatchObject({ code: 'projection_not_found' });
  });

  it('are paused and resumed for a reason, which is in the log', async () => {
    const paused = await admin.pauseProjection({ name, reason: ' look closer ' });
    expect(paused.projection).toMatchObject({ state: 'paused', paused: true });
    // A second operator is told, and nothing more is recorded.
    await expect(admin.pauseProjection({ name, reason: 'me too' })).rejects.toMatchObject({ code: 'projection_state' });
    const position = await stack.append('job-orchestrator', jobEvent('job_1', 'job_started'));
    await expect(stack.listOnce({ waitForPosition: position })).rejects.toMatchObject({ code: 'projection_lagging' });
    const resumed = await admin.resumeProjection({ name, reason: 'seen' });
    expect(resumed.projection?.paused).toBe(false);
    expect((await stack.list({ waitForPosition: position, limit: 1 })).position).toBeGreaterThanOrEqual(position);
    await expect(admin.resumeProjection({ name, reason: 'again' })).rejects.toMatchObject({ code: 'projection_state' });
    expect(await typesOf()).toEqual([
      ['paused', 'look closer'],
      ['resumed', 'seen'],
    ]);
  });

  it('are paused once when two operators press at once', async () => {
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((reason) => admin.pauseProjection({ name, reason })));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    await admin.resumeProjection({ name, reason: 'enough' });
    expect((await typesOf()).slice(2).map(([type]) => type)).toEqual(['paused', 'resumed']);
  });

  it('let the event pass that they are stopped at, and no other', async () => {
    const { adminSql } = stack.database;
    await stack.database.db.query('select 1');
    await adminSql.query(
      `create function audit.refuse() returns trigger language plpgsql as $$ begin
         if new.action = 'job.poison' then raise exception 'poison'; end if; return new; end $$`,
    );
    const tables = await adminSql.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'audit' and c.relkind = 'r' and c.relname like 'record%'`,
    );
    for (const table of tables) {
      await adminSql.query(`create trigger refuse before insert on audit.${table.name} for each row execute function audit.refuse()`);
    }
    const poison = await stack.append('job-orchestrator', jobEvent('job_1', 'poison'));
    const after = await stack.append('job-orchestrator', jobEvent('job_1', 'job_succeeded'));
    await eventually(async () => (await shown()).state === 'stopped', { what: 'the trail to stop', timeoutMs: 20_000 });
    expect((await shown()).epochs).toEqual([
      expect.objectContaining({
        serving: true,
        stopped: expect.objectContaining({ position: poison, reason: expect.stringContaining('poison') }),
      }),
    ]);
    await expect(admin.skipEvent({ name, position: poison + 1, reason: 'x', epoch: 0 })).rejects.toMatchObject({
      code: 'projection_state',
      details: { stopped_at: [poison] },
    });
    await expect(admin.skipEvent({ name, position: poison, reason: 'x', epoch: 99 })).rejects.toMatchObject({ code: 'projection_state' });
    await admin.skipEvent({ name, position: poison, reason: 'a test', epoch: 0 });
    const page = await eventually(() => stack.list({ waitForPosition: after, jobId: 'job_1' }).catch(() => undefined), {
      what: 'the trail to go on',
      timeoutMs: 20_000,
    });
    expect(page.records.map(({ action }) => action)).not.toContain('job.poison');
    const [skipped] = await stack.database.db.query<{ payload: object }>(`select payload from log.event where type = 'event_skipped'`);
    expect(skipped?.payload).toMatchObject({
      position: poison,
      epoch: expect.any(Number),
      stopped_reason: expect.stringContaining('poison'),
    });
    expect((await shown()).state).toBe('running');
  });

  it('are decided about by admins alone, with a reason', async () => {
    const before = await typesOf();
    for (const role of ['viewer', 'operator'] as const) {
      await expect(stack.projectionsOf(role).pauseProjection({ name, reason: 'x' })).rejects.toMatchObject({ code: 'permission_denied' });
    }
    for (const request of [
      { name, reason: ' ' },
      { name, reason: 'x'.repeat(501) },
      { name: '', reason: 'x' },
    ]) {
      for (const call of [admin.pauseProjection, admin.resumeProjection, admin.rebuildProjection, admin.cancelRebuild]) {
        await expect(call(request)).rejects.toMatchObject({ code: 'invalid_argument' });
      }
    }
    await expect(admin.skipEvent({ name, reason: 'x', position: 0, epoch: 0 })).rejects.toMatchObject({ code: 'invalid_argument' });
    for (const call of [admin.pauseProjection, admin.rebuildProjection, admin.cancelRebuild]) {
      await expect(call({ name: 'nobody', reason: 'x' })).rejects.toMatchObject({ code: 'projection_not_found' });
    }
    await expect(admin.cancelRebuild({ name, reason: 'x' })).rejects.toMatchObject({ code: 'projection_state' });
    expect(await typesOf()).toEqual(before);
  });

  it('appear in the trail with who decided', async () => {
    const { records } = await stack.list(auditV1.ListRecordsRequest.fromPartial({ action: 'projection' }));
    expect(records.map(({ action }) => action)).toContain('projection.event_skipped');
    for (const record of records) expect(record).toMatchObject({ resourceId: name, principal: expect.stringMatching(/^user:/) });
  });
});
