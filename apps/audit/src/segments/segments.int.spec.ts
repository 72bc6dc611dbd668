// Real: a Postgres, files that are written, read back, changed and taken away; a disk that is full where one can be mounted.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { beginIncarnation } from '@fairlead/event-log';
import { failpointBoard, testFolder } from '@fairlead/testing';
import { auditRecord } from '../projections/audit-record/projection.js';
import { listRecords, trailEnds } from '../projections/audit-record/query.js';
import { turn } from './sealer.js';
import { segmentsGround, type SegmentsGround } from './segments-ground.fixture.js';

jest.setTimeout(60_000);

let ground: SegmentsGround;

beforeEach(async () => {
  ground = await segmentsGround();
});

afterEach(() => ground.stop());

const sealedEvents = async () => (await ground.told()).filter(({ type }) => type === 'trail_sealed').map(({ payload }) => payload['to']);
const troubles = async () => (await ground.told()).filter(({ type }) => type === 'trail_sealing_failed').map(({ payload }) => payload);

describe('sealing', () => {
  it('takes whole segments out of the trail, each in a file that is verified by itself', async () => {
    await ground.grow(13);
    await ground.seal();
    expect(await ground.state()).toEqual({
      ...{ sealedUntil: 10, droppedUntil: 10, askedBefore: null, askedCorrelation: null, trouble: null, troubleSince: null },
    });
    expect(await ground.positions()).toEqual([11, 12, 13]);
    expect(await sealedEvents()).toEqual([5, 10]);
    const names = ground.files().map((name) => name.replace(/-[0-9a-f]{16}(-[0-9a-f]{16})?\./, '.'));
    expect(names.sort()).toEqual([
      'trail-000000000001-000000000005.manifest.json',
      'trail-000000000001-000000000005.ndjson.gz',
      'trail-000000000006-000000000010.manifest.json',
      'trail-000000000006-000000000010.ndjson.gz',
    ]);
    expect(await ground.offline()).toMatchObject({ segments: 2, from: 1, to: 10, finding: undefined });
    expect(await ground.verify()).toMatchObject({ broken: undefined, segments: 2, sealedUntil: 10 });
    // The events of sealing themselves go on the way of all others.
    await ground.grow(6);
    await ground.seal();
    expect((await ground.state()).sealedUntil).toBe(20);
    expect(await ground.offline()).toMatchObject({ segments: 4, from: 1, to: 20, finding: undefined });
  });

  it('goes no further than the last anchor, the trail and the time that was set', async () => {
    await ground.append(12);
    await ground.chainAll();
    await ground.anchorAll();
    await ground.seal();
    expect((await ground.state()).sealedUntil).toBe(0);
    await ground.record();
    await ground.append(12);
    await ground.chainAll();
    await ground.record();
    await ground.seal();
    expect((await ground.state()).sealedUntil).toBe(10);
    // What is not that old stays, and nothing is sealed by itself where no retention is set.
    await ground.anchorAll();
    const { adminSql } = ground.database;
    await adminSql.query(
      `update audit.sealing set asked_before = (select date_trunc('milliseconds', time) from audit.record where position = 15)`,
    );
    const once = (retentionDays?: number) => turn({ ...ground.sealer, retentionDays }, new AbortController().signal);
    await once();
    expect((await ground.state()).sealedUntil).toBe(10);
    await once();
    await adminSql.query(`update audit.record_e1 set time = time - interval '2 days' where position <= 16`);
    await once(3);
    expect((await ground.state()).sealedUntil).toBe(10);
    await once(1);
    expect(await ground.state()).toMatchObject({ sealedUntil: 15, droppedUntil: 15 });
  });

  it('seals nothing while no anchors can be made, and says why', async () => {
    await ground.grow(6);
    await ground.seal({ anchorsStopped: () => 'position 3 of the log was changed' });
    expect(await ground.state()).toMatchObject({ sealedUntil: 0, trouble: 'no anchors are made: position 3 of the log was changed' });
    expect([ground.files(), (await ground.positions()).length]).toEqual([[], 6]);
  });

  it('does not seal a log that is not what was anchored', async () => {
    await ground.grow(12);
    await ground.tamper(`update log.event set payload = '{"sequence":99,"consumer":"x"}' where position = 7`);
    await ground.rewriteChain();
    await ground.seal();
    const state = await ground.state();
    expect(state).toMatchObject({ sealedUntil: 5, droppedUntil: 5, trouble: expect.stringContaining('segment_broken') });
    expect(await troubles()).toEqual([{ reason: state.trouble, sealed_until: 5 }]);
    expect(await ground.offline()).toMatchObject({ segments: 1, finding: undefined });
  });

  it('may be done by many at once: each segment is sealed once', async () => {
    await ground.grow(30);
    await Promise.all([1, 2, 3].map(() => ground.seal()));
    await ground.seal();
    expect(await sealedEvents()).toEqual([5, 10, 15, 20, 25, 30]);
    expect(await ground.offline()).toMatchObject({ segments: 6, to: 30, finding: undefined });
    expect((await ground.positions()).length).toBe(0);
    expect(ground.files()).toHaveLength(12);
  });
});

describe('the trail', () => {
  it('says where it begins, and nothing of what is sealed', async () => {
    await ground.grow(12);
    await ground.seal();
    const sql = ground.database.db;
    expect(await trailEnds(sql)).toEqual({ sealedUntil: 10, position: 12 });
    const { records, nextBefore } = await listRecords(sql, { principal: 'user:usr_ada' }, { before: 0, limit: 50 });
    expect([records.map(({ position }) => position), nextBefore]).toEqual([[12, 11], undefined]);
    // With all of it sealed, it has come as far as it had.
    await ground.grow(1);
    await ground.seal();
    expect(await trailEnds(sql)).toEqual({ sealedUntil: 15, position: 15 });
    expect(await listRecords(sql, { from: new Date(0) }, { before: 0, limit: 50 })).toEqual({ records: [], nextBefore: undefined });
  });

  it('is rebuilt without what is sealed, and loses what a rebuild under way brought back', async () => {
    await ground.grow(12);
    const { db: sql, adminSql } = ground.database;
    await sql.query(`select audit.make_epoch_table('record', 2, 'record_v1')`);
    await adminSql.query('insert into audit.record_e2 select * from audit.record_e1');
    await ground.seal();
    const kept = () => sql.query<{ position: number }>('select position from record_e2 order by position');
    expect((await kept()).map(({ position }) => position)).toEqual([11, 12]);
    const events = [9, 10, 13].map((position) => ({
      ...{ position, aggregateType: 'job', aggregateId: 'job_1', version: 1, type: 'job_queued', schemaVersion: 1, payload: {} },
      ...{ meta: { principal: 'user:usr_ada', request_id: 'r', correlation_id: 'c' }, recordedAt: new Date() },
    }));
    await sql.transaction(async (tx) => auditRecord.apply(tx, events as never, { record: 'record_e2' }));
    expect((await kept()).map(({ position }) => position)).toEqual([11, 12, 13]);
    await adminSql.query(
      `insert into audit.record_e2 select (jsonb_populate_record(r, '{"position":4}')).* from audit.record_e2 r where position = 11`,
    );
    await ground.seal();
    expect((await kept()).map(({ position }) => position)).toEqual([11, 12, 13]);
  });
});

describe('nothing leaves the trail', () => {
  const whole = async () => {
    expect((await ground.positions()).length).toBe(12);
    expect(await ground.state()).toMatchObject({ sealedUntil: 0, droppedUntil: 0 });
    const reasons = await troubles();
    // It is told once, however often it is tried.
    await ground.seal();
    expect(await troubles()).toEqual(reasons);
    expect(reasons).toHaveLength(1);
    return reasons[0];
  };

  beforeEach(() => ground.grow(12));

  it('when the disk is full', async () => {
    const disk = testFolder('full');
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', disk]).status === 0) {
      try {
        writeFileSync(join(disk, 'ballast'), Buffer.alloc(8_192));
        await ground.seal({ folder: disk });
        expect(await ground.state()).toMatchObject({ trouble: expect.stringMatching(/can not be used: \w+ says ENOSPC/) });
        expect(spawnSync('ls', ['-A', disk], { encoding: 'utf8' }).stdout).toBe('ballast\n');
      } finally {
        spawnSync('umount', ['-l', disk]);
      }
    } else {
      await ground.seal({ folder: join(ground.path, 'in-a-file') });
      expect(await ground.state()).toMatchObject({ trouble: expect.stringMatching(/can not be used: \w+ says ENOTDIR/) });
    }
    expect((await ground.positions()).length).toBe(12);
    expect(await troubles()).toHaveLength(1);
    // Once there is room, all goes on.
    await ground.seal();
    expect(await ground.state()).toMatchObject({ sealedUntil: 10, droppedUntil: 10, trouble: null });
  });

  it('when the folder is none', async () => {
    rmSync(ground.folder, { recursive: true });
    writeFileSync(ground.folder, '');
    await ground.seal();
    expect(await whole()).toMatchObject({ reason: expect.stringContaining('the folder of the segments can not be used') });
    rmSync(ground.folder);
    // A first segment is made a folder for.
    await ground.seal();
    expect(await ground.state()).toMatchObject({ sealedUntil: 10, trouble: null });
  });

  it('when the folder is gone or another one, which may be what a mount was to hide', async () => {
    await ground.seal();
    await ground.grow(10);
    const positions = await ground.positions();
    const away = `${ground.folder}-away`;
    renameSync(ground.folder, away);
    for (const make of [
      () => undefined,
      () => {
        mkdirSync(ground.folder);
      },
    ]) {
      make();
      await ground.seal();
      expect(await ground.state()).toMatchObject({ sealedUntil: 10, trouble: expect.stringContaining('segment_missing') });
      expect(await ground.positions()).toEqual(positions);
    }
    rmSync(ground.folder, { recursive: true });
    renameSync(away, ground.folder);
    await ground.seal();
    expect(await ground.state()).toMatchObject({ sealedUntil: 20, trouble: null });
  });

  it('when the file of a segment is no longer what was sealed', async () => {
    const board = failpointBoard(testFolder('seal-failpoints'));
    process.env['FAIRLEAD_FAILPOINTS'] = board.folder;
    try {
      board.set('audit.seal.before_drop', 'fail');
      await ground.seal();
    } finally {
      delete process.env['FAIRLEAD_FAILPOINTS'];
    }
    expect([await ground.state(), (await ground.positions()).length]).toMatchObject([{ sealedUntil: 5, droppedUntil: 0 }, 12]);
    const [file = ''] = ground.files().filter((name) => name.endsWith('.gz'));
    copyFileSync(join(ground.folder, file), `${ground.folder}-kept`);
    truncateSync(join(ground.folder, file), 100);
    await ground.seal();
    expect([await ground.state(), (await ground.positions()).length]).toMatchObject([
      { droppedUntil: 0, trouble: expect.stringContaining('segment_file_wrong') },
      12,
    ]);
    copyFileSync(`${ground.folder}-kept`, join(ground.folder, file));
    await ground.seal();
    expect(await ground.state()).toMatchObject({ sealedUntil: 10, droppedUntil: 10, trouble: null });
  });
});

describe('a verification', () => {
  const broken = async () => (await ground.verify()).broken;

  beforeEach(async () => {
    await ground.grow(17);
    await ground.seal();
  });

  it('goes over the log, then over the segments, and names what is wrong with one', async () => {
    expect(await ground.verify()).toMatchObject({ broken: undefined, segments: 3, sealedUntil: 15, anchor: { position: 17 } });
    const [, second = ''] = ground.files().filter((name) => name.endsWith('.gz'));
    const kept = readFileSync(join(ground.folder, second));
    rmSync(join(ground.folder, second));
    expect(await broken()).toMatchObject({ kind: 'segment_missing', position: 6 });
    writeFileSync(join(ground.folder, second), kept.subarray(1));
    expect(await broken()).toMatchObject({ kind: 'segment_file_wrong', position: 6 });
    writeFileSync(join(ground.folder, second), kept);
    expect(await broken()).toBeUndefined();
    // A row that claims what no segment holds.
    await ground.database.adminSql.query('update audit.sealing set sealed_until = 20, dropped_until = 20');
    expect(await broken()).toMatchObject({ kind: 'segment_gap', position: 16 });
  });

  it('of what was copied away needs nothing else', async () => {
    const away = testFolder('copied');
    cpSync(ground.folder, away, { recursive: true });
    expect(await ground.offline(away)).toMatchObject({ segments: 3, from: 1, to: 15, finding: undefined });
    // Who tampers with the log can't make the copies fit.
    await ground.tamper(`update log.event set aggregate_id = 'x' where position = 3`);
    await ground.rewriteChain();
    expect(await broken()).toMatchObject({ kind: 'chain_rewritten', position: 3 });
    expect(await ground.offline(away)).toMatchObject({ segments: 3, finding: undefined });
  });

  it('goes on after a restore, which is told, and what another history left is not written over', async () => {
    const { adminSql } = ground.database;
    await ground.tamper('delete from log.event where position > 12', 'update log.head set position = 12');
    await adminSql.query('delete from log.stream where position > 12');
    await adminSql.query('delete from audit.chain where position > 12');
    await adminSql.query(
      'update audit.chain_head h set position = c.position, hash = c.hash from (select * from audit.chain order by position desc limit 1) c',
    );
    await adminSql.query('delete from audit.anchor where position > 12');
    await adminSql.query('delete from audit.segment where to_position > 10');
    await adminSql.query('update audit.sealing set sealed_until = 10, dropped_until = 10');
    await adminSql.query('delete from audit.record_e1 where position > 12');
    await beginIncarnation(ground.database.admin);
    await ground.record();
    await ground.grow(6);
    const before = ground.files();
    await ground.seal();
    expect(await ground.state()).toMatchObject({ sealedUntil: 15, trouble: null });
    expect(ground.files()).toHaveLength(before.length + 2);
    expect(await ground.verify()).toMatchObject({ broken: undefined, segments: 3, restored: [{ after: 12 }] });
    // Both histories in one folder do not follow each other.
    expect(await ground.offline()).toMatchObject({ finding: { kind: 'segment_gap' } });
  });
});
