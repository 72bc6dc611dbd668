// Real: a Postgres whose superuser changes what the log, the chain and the anchor file hold.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { beginIncarnation } from '@fairlead/event-log';
import { chainGround, type ChainGround } from './chain-ground.fixture.js';

let ground: ChainGround;

/** Twenty events with anchors at 12 and 20, and five more that wait for one. */
beforeEach(async () => {
  ground = await chainGround();
  await ground.append(12);
  await ground.chainAll();
  expect(await ground.anchorAll()).toBe(1);
  await ground.append(8);
  await ground.chainAll();
  expect(await ground.anchorAll()).toBe(1);
  await ground.append(5);
  await ground.chainAll();
});

afterEach(() => ground.stop());

const changeTo = (position: number, what: string) => `update log.event set ${what} where position = ${position}`;
const edit = (position: number) => changeTo(position, `payload = jsonb_set(payload, '{sequence}', '999')`);
/** Moves the events from one position on, in two steps, since positions are unique. */
const shift = (from: number, by: number) => [
  `update log.event set position = position + 500000 where position >= ${from} and position < 500000`,
  `update log.event set position = position - 500000 + ${by} where position >= 500000`,
];
const forge = (position: number) =>
  `insert into log.event values (${position}, 'dead_letter', 'forged', 1, 'dead_letter_discarded', 1, '{"sequence":1,"consumer":"x"}', '{"principal":"user:usr_ada"}', now())`;
const swap = (one: number, other: number) => [
  `update log.event set position = 500000 where position = ${one}`,
  `update log.event set position = ${one} where position = ${other}`,
  `update log.event set position = ${other} where position = 500000`,
];

describe('a sound log', () => {
  it('is as it was, up to the end of the chain; what waits for an anchor is told', async () => {
    for (const from of ['file', 'table'] as const) {
      expect(await ground.verify(from)).toMatchObject({
        ...{ position: 25, head: 25, broken: undefined, source: from, restored: [], cursor: undefined },
        ...{ anchor: { position: 20, time: expect.any(String) }, unanchored: 5, unanchoredSince: expect.stringMatching(/Z$/) },
      });
    }
    await ground.anchorAll();
    expect(await ground.verify()).toMatchObject({ position: 25, anchor: { position: 25 }, unanchored: 0, unanchoredSince: undefined });
  });
});

describe('a change by a superuser', () => {
  it.each([
    ['an edited payload', 'edited', 7, [edit(7)]],
    [
      'an edited number that a double does not tell',
      'edited',
      7,
      [changeTo(7, `payload = jsonb_set(payload, '{sequence}', '7.00000000000000000001')`)],
    ],
    ['edited metadata', 'edited', 12, [changeTo(12, `meta = jsonb_set(meta, '{principal}', '"user:usr_eve"')`)]],
    ['an edited time', 'edited', 1, [changeTo(1, `recorded_at = recorded_at + interval '1 microsecond'`)]],
    ['an edited time without end', 'edited', 3, [changeTo(3, `recorded_at = 'infinity'`)]],
    ['an edited version', 'edited', 13, [changeTo(13, 'version = 2')]],
    ['a deleted row', 'deleted', 9, ['delete from log.event where position = 9']],
    ['a deleted row, later ones moved up', 'deleted', 9, ['delete from log.event where position = 9', ...shift(10, -1)]],
    ['a deleted row at the end of an anchor', 'deleted', 12, ['delete from log.event where position = 12', ...shift(13, -1)]],
    ['an inserted row, later ones moved down', 'inserted', 9, [...shift(9, 1), forge(9)]],
    ['an inserted row at the end of an anchor', 'inserted', 12, [...shift(12, 1), forge(12)]],
    ['two rows swapped', 'reordered', 4, swap(4, 5)],
    ['two rows swapped that are apart', 'reordered', 4, swap(4, 10)],
    ['the tail cut off', 'truncated', 18, ['delete from log.event where position >= 18', 'update log.head set position = 17']],
    [
      'the tail cut off that no anchor covers',
      'truncated',
      23,
      ['delete from log.event where position >= 23', 'update log.head set position = 22'],
    ],
    ['an edit that no anchor covers', 'edited', 22, [edit(22)]],
    ['an event behind the head', 'inserted', 26, [forge(26)]],
    ['the chain alone', 'chain_broken', 6, [`update audit.chain set hash = decode(repeat('11', 32), 'hex') where position = 6`]],
    ['the chain cut off', 'chain_broken', 6, ['delete from audit.chain where position >= 6']],
    ['the chain cut off behind the last anchor', 'chain_broken', 23, ['delete from audit.chain where position >= 23']],
  ])('%s is named: %s at %i', async (_what, kind, position, statements) => {
    await ground.tamper(...statements);
    expect(await ground.broken()).toEqual([kind, position]);
    expect((await ground.verify()).position).toBeLessThan(position);
  });

  it.each([
    ['an edit', 7, [edit(7)]],
    ['a deletion', 9, ['delete from log.event where position = 9', ...shift(10, -1), 'update log.head set position = 24']],
    ['an insertion', 13, [...shift(13, 1), forge(13), 'update log.head set position = 26']],
    ['a swap', 4, swap(4, 5)],
  ])('%s is named also when the chain was rewritten to fit', async (_what, position, statements) => {
    await ground.tamper(...statements);
    await ground.rewriteChain();
    expect(await ground.broken()).toEqual(['chain_rewritten', position]);
    // Nor is it anchored: what was anchored stays as it was.
    await ground.append(1);
    await ground.chainAll();
    await expect(ground.anchorAll()).rejects.toThrow('than the last anchor');
    expect(ground.lines()).toHaveLength(2);
  });

  it('what no anchor covers is not anchored once it was changed', async () => {
    await ground.tamper(edit(22));
    await expect(ground.anchorAll()).rejects.toThrow('position 22 of the log was changed after it was chained');
    expect(ground.lines()).toHaveLength(2);
  });
});

describe('a change of the anchor file', () => {
  it('is named', async () => {
    const [first = '', second = ''] = ground.lines();
    const stranger = await chainGround();
    try {
      await stranger.append(20);
      await stranger.chainAll();
      await stranger.anchorAll();
      for (const [lines, kind, position] of [
        [[second], 'anchor_missing', 1],
        [[first, stranger.lines()[0] ?? ''], 'anchor_signature_wrong', 0],
        [[stranger.lines()[0] ?? '', second], 'anchor_signature_wrong', 1],
        [[first.replace('"leaves":"', '"leaves":"AAAA'), second], 'anchor_leaves_wrong', 1],
        [['nonsense', second], 'anchor_unreadable', 1],
        [[first, 'nonsense'], 'anchor_unreadable', 0],
        [[second, first], 'anchor_missing', 1],
      ] as const) {
        ground.writeLines(lines);
        expect([lines, await ground.broken()]).toEqual([lines, [kind, position]]);
      }
      // The same anchor twice, as when a replica died at a bad time, is none.
      ground.writeLines([first, first, second]);
      expect(await ground.broken()).toBeUndefined();
    } finally {
      await stranger.stop();
    }
  });

  it('that took its last lines is told by the copies, once these are not new any more', async () => {
    ground.writeLines(ground.lines().slice(0, 1));
    expect(await ground.verify()).toMatchObject({ broken: undefined, anchor: { position: 12 }, unanchored: 13 });
    await ground.database.adminSql.query(`update audit.anchor set time = time - interval '1 hour'`);
    expect(await ground.broken()).toEqual(['anchor_file_short', 20]);
  });

  it('that puts lines of another log in front of its own is named; a file that was begun anew is none', async () => {
    const before = ground.lines();
    await beginIncarnation(ground.database.admin);
    ground.writeLines([]);
    await ground.anchorAll();
    expect(await ground.verify()).toMatchObject({ broken: undefined, anchor: { position: 25 } });
    ground.writeLines([...before, ...ground.lines()]);
    expect(await ground.broken()).toEqual(['anchor_of_another_log', 1]);
    // The copies in the database are of all files that replicas have or had.
    expect(await ground.broken('table')).toBeUndefined();
  });
});
