// Real: a Postgres, several chainers and anchorers at once, and what a crash leaves behind.
import { appendFileSync, readFileSync, truncateSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { beginIncarnation } from '@fairlead/event-log';
import { eventually, failpointBoard, testFolder } from '@fairlead/testing';
import { readChainState } from '../store/chain.js';
import { startAnchorer, anchorNext } from './anchorer.js';
import { chainGround, type ChainGround } from './chain-ground.fixture.js';
import { chainPage, startChainer } from './chainer.js';

const board = failpointBoard(testFolder('chain-failpoints'));
let ground: ChainGround;

beforeEach(async () => {
  process.env['FAIRLEAD_FAILPOINTS'] = board.folder;
  ground = await chainGround();
});

afterEach(() => ground.stop());

afterAll(() => {
  delete process.env['FAIRLEAD_FAILPOINTS'];
});

const chained = async () => (await readChainState(ground.database.db)).chained;

describe('the chainer', () => {
  it('begins at the first event of a log that is there, and follows it', async () => {
    await ground.append(30);
    const chainer = startChainer({ sql: ground.database.db, logger: ground.deps.logger, pageSize: 4, pollMs: 20 });
    await eventually(async () => (await chained()) === 30, { what: 'the log to be chained' });
    await ground.append(5);
    await eventually(async () => (await chained()) === 35, { what: 'what came to be chained' });
    await ground.append(3);
    // What is there when it is told to end is taken in.
    await chainer.stop();
    expect(await chained()).toBe(38);
    expect(await ground.verify()).toMatchObject({ position: 38, broken: undefined, anchor: undefined, unanchored: 38 });
  });

  it('may be many: each event is taken in once', async () => {
    const { db: sql } = ground.database;
    const chainers = [1, 2, 3].map(() => startChainer({ sql, logger: ground.deps.logger, pageSize: 3, pollMs: 5 }));
    for (let round = 0; round < 5; round += 1) await ground.append(10);
    await eventually(async () => (await chained()) === 50, { what: 'all to be chained' });
    await Promise.all(chainers.map((chainer) => chainer.stop()));
    expect(await ground.verify()).toMatchObject({ position: 50, broken: undefined });
    // While another one has the end, there is nothing to do.
    await ground.append(4);
    await sql.transaction(async (tx) => {
      await tx.query('select position from chain_head for update');
      expect(await chainPage(sql, 10)).toBe(0);
    });
    expect(await chainPage(sql, 10)).toBe(4);
  });

  it('that dies in the middle of a page has done nothing of it', async () => {
    await ground.append(10);
    expect(await chainPage(ground.database.db, 4)).toBe(4);
    board.set('audit.chain.before_commit', 'fail');
    await expect(chainPage(ground.database.db, 4)).rejects.toThrow('failpoint');
    expect(await chained()).toBe(4);
    await ground.chainAll();
    expect(await ground.verify()).toMatchObject({ position: 10, broken: undefined });
  });

  it('stops at an event that is gone, and goes on when it is there again', async () => {
    await ground.append(6);
    await ground.tamper(
      'create table public.kept as select * from log.event where position = 4',
      'delete from log.event where position = 4',
    );
    await expect(chainPage(ground.database.db, 10)).rejects.toThrow('position 4 is missing in the log');
    await ground.tamper('insert into log.event select * from public.kept');
    await ground.chainAll();
    expect(await chained()).toBe(6);
  });

  it('may add links and change none', async () => {
    await ground.append(2);
    await ground.chainAll();
    await ground.anchorAll();
    for (const sql of [
      'update chain set leaf = hash',
      'delete from chain',
      'delete from chain_head',
      'delete from anchor',
      `update anchor set jws = ''`,
    ])
      await expect(ground.database.db.query(sql)).rejects.toThrow('permission denied');
  });
});

describe('the anchorer', () => {
  it('makes an anchor only when the log has grown, and the last one when it ends', async () => {
    const anchorer = startAnchorer({ ...ground.deps, everyMs: 5 });
    await ground.append(3);
    await ground.chainAll();
    await eventually(() => ground.verify().then(({ anchor }) => anchor?.position === 3), { what: 'the first anchor' });
    await anchorer.stop();
    const slow = startAnchorer({ ...ground.deps, everyMs: 3_600_000 });
    await ground.append(2);
    await ground.chainAll();
    await slow.stop();
    expect(ground.lines()).toHaveLength(2);
    expect(await ground.verify()).toMatchObject({ anchor: { position: 5 }, unanchored: 0 });
    expect(slow.stopped()).toBeUndefined();
  });

  it('that dies between file and table goes on from the file', async () => {
    await ground.append(3);
    await ground.chainAll();
    board.set('audit.anchor.after_append', 'fail');
    await expect(anchorNext(ground.deps)).rejects.toThrow('failpoint');
    expect(ground.lines()).toHaveLength(1);
    const kept = async () =>
      (await ground.database.db.query<{ position: number }>('select position from anchor order by id')).map(({ position }) => position);
    expect(await kept()).toEqual([]);
    await ground.append(2);
    await ground.chainAll();
    expect(await ground.anchorAll()).toBe(1);
    expect(await kept()).toEqual([3, 5]);
    for (const from of ['file', 'table'] as const)
      expect(await ground.verify(from)).toMatchObject({ broken: undefined, anchor: { position: 5 } });
  });

  it.each([
    ['half a line', '{"anchor":"eyJhbG'],
    ['zeros', '\0'.repeat(4_096)],
  ])('cuts off %s that a crash left, and readers pass it over', async (_what, torn) => {
    await ground.append(3);
    await ground.chainAll();
    await ground.anchorAll();
    const whole = readFileSync(ground.path, 'utf8');
    appendFileSync(ground.path, torn);
    expect(await ground.verify()).toMatchObject({ broken: undefined, anchor: { position: 3 } });
    expect(await ground.anchorAll()).toBe(0);
    expect(readFileSync(ground.path, 'utf8')).toBe(whole);
    // The very first line may be torn too.
    truncateSync(ground.path, 20);
    expect(await ground.anchorAll()).toBe(1);
    expect(await ground.verify()).toMatchObject({ broken: undefined, anchor: { position: 3 } });
  });

  it('may be many that share a file: they take turns', async () => {
    const others = [1, 2, 3].map(() => startAnchorer({ ...ground.deps, everyMs: 3 }));
    for (let round = 0; round < 6; round += 1) {
      await ground.append(3);
      await ground.chainAll();
    }
    await eventually(() => ground.verify().then(({ anchor }) => anchor?.position === 18), { what: 'all to be anchored' });
    await Promise.all(others.map((anchorer) => anchorer.stop()));
    const lines = ground.lines();
    expect(new Set(lines).size).toBe(lines.length);
    expect(await ground.verify()).toMatchObject({ broken: undefined, unanchored: 0 });
  });

  it('covers a log of any length, some thousand events with each anchor', async () => {
    await ground.database.adminSql.query(`
      insert into log.event (position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at)
        select n, 'dead_letter', 'l' || n, 1, 'dead_letter_discarded', 1, '{"sequence":1,"consumer":"x"}', '{"principal":"user:usr_ada"}', now()
          from generate_series(1, 25000) n`);
    await ground.database.adminSql.query('update log.head set position = 25000');
    while ((await chainPage(ground.database.db, 5_000)) > 0);
    expect(await ground.anchorAll()).toBe(3);
    expect(await ground.verify()).toMatchObject({ position: 25_000, broken: undefined, anchor: { position: 25_000 } });
    await ground.tamper(`update log.event set payload = '{"sequence":2,"consumer":"x"}' where position = 23456`);
    expect(await ground.broken()).toEqual(['edited', 23_456]);
  });
});

describe('a restore of the database', () => {
  /** Takes the database back to where it had `position` events. */
  const restore = async (position: number) => {
    const { adminSql } = ground.database;
    await ground.tamper(`delete from log.event where position > ${position}`, `update log.head set position = ${position}`);
    await adminSql.query(`delete from log.stream where position > ${position}`);
    await adminSql.query(`delete from audit.chain where position > ${position}`);
    await adminSql.query(
      'update audit.chain_head h set position = c.position, hash = c.hash from (select * from audit.chain order by position desc limit 1) c',
    );
    await adminSql.query(`delete from audit.anchor where position > ${position}`);
  };

  beforeEach(async () => {
    await ground.append(10);
    await ground.chainAll();
    await ground.anchorAll();
    await ground.append(10);
    await ground.chainAll();
    await ground.anchorAll();
  });

  it('that nobody has declared is a log that is shorter than its last anchor, and is not anchored', async () => {
    await restore(14);
    expect(await ground.broken()).toEqual(['truncated', 15]);
    await expect(ground.anchorAll()).rejects.toThrow('the chain ends at 14, before the last anchor at 20');
    // Nor when it has grown past it: other events stand where anchored ones stood.
    await ground.append(10);
    await ground.chainAll();
    await expect(ground.anchorAll()).rejects.toThrow('has another hash at 20 than the last anchor');
    expect(await ground.broken()).toEqual(['chain_rewritten', 15]);
  });

  it('that began an incarnation is told as one, with what is gone, and anchors go on', async () => {
    await restore(14);
    const { incarnation } = await beginIncarnation(ground.database.admin);
    const restored = [{ incarnation, after: 14, lost: { position: 20, time: expect.any(String) } }];
    expect(await ground.verify()).toMatchObject({ broken: undefined, position: 14, restored });
    // As long as nothing has come since, there is nothing to anchor.
    expect(await ground.anchorAll()).toBe(0);
    await ground.append(8);
    await ground.chainAll();
    expect(await ground.anchorAll()).toBe(1);
    expect(await ground.verify()).toMatchObject({
      broken: undefined,
      position: 22,
      anchor: { position: 22, incarnation },
      unanchored: 0,
      restored,
    });
    // What both have in common is held against the anchors of before, and what came since against the new ones.
    await ground.tamper(`update log.event set aggregate_id = 'x' where position = 13`);
    expect(await ground.broken()).toEqual(['edited', 13]);
    await ground.tamper(
      `update log.event set aggregate_id = 'letter-13' where position = 13`,
      `update log.event set aggregate_id = 'x' where position = 17`,
    );
    expect(await ground.broken()).toEqual(['edited', 17]);
  });

  it('of an older backup, once more, is told too, each with what it lost', async () => {
    await restore(14);
    await beginIncarnation(ground.database.admin);
    await ground.append(8);
    await ground.chainAll();
    await ground.anchorAll();
    await restore(6);
    await beginIncarnation(ground.database.admin);
    await ground.append(2);
    await ground.chainAll();
    await ground.anchorAll();
    const { broken, position, restored } = await ground.verify();
    expect([broken, position, restored.map(({ after, lost }) => [after, lost?.position])]).toEqual([
      undefined,
      8,
      [
        [14, 20],
        [6, 22],
      ],
    ]);
  });

  it('does not hide a change of what came before it', async () => {
    await restore(14);
    await ground.tamper(`update log.event set aggregate_id = 'x' where position = 3`);
    await ground.rewriteChain();
    await beginIncarnation(ground.database.admin);
    expect(await ground.broken()).toEqual(['chain_rewritten', 3]);
  });

  it('that claims to have gone back further is told with all that it claims to have lost', async () => {
    await ground.tamper(`update log.event set aggregate_id = 'x' where position = 3`);
    await ground.rewriteChain();
    await beginIncarnation({ ...ground.database.admin, after: 2 });
    await ground.anchorAll();
    expect(await ground.verify()).toMatchObject({ broken: undefined, position: 20, restored: [{ after: 2, lost: { position: 20 } }] });
  });
});
