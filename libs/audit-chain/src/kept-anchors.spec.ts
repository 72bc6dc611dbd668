/** Anchors of one log only prove something together: those that were kept elsewhere are not outnumbered by newer ones. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { anchorLine, canonicalRow, genesis, linksOf, verifyExport, type Life, type LogRow } from './index.js';
import { exportOf, firstLife, linesOf, rowAt, signer, type Signer } from './chain.fixture.js';

let audit: Signer;

beforeAll(async () => {
  audit = await signer();
});

const rows = (count: number) => Array.from({ length: count }, (_, index) => rowAt(index + 1));
const forged = (row: LogRow): LogRow => ({ ...row, payload: '{"n":-1}' });
const [second, third] = ['01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000003'];
const time = '2026-11-21T10:00:00.000Z';

/** Lines of anchors over rows, each with the lives that it knows of. */
async function anchorsOf(of: readonly LogRow[], ...made: readonly { from: number; to: number; lineage: readonly Life[] }[]) {
  const links = linksOf(genesis, of.map(canonicalRow));
  return Promise.all(made.map(async (anchor) => anchorLine(await audit.sign({ links, ...anchor }))));
}

/** An export of rows with these anchors in it, held against anchors that were kept elsewhere. */
async function verify(of: readonly LogRow[], own: readonly string[], kept: readonly string[]) {
  const bare = await exportOf(of, [], audit);
  const end = JSON.stringify({ anchors: own.length, end: true, events: of.length, kids: [] });
  const lines = [...bare.slice(0, -1), ...own, end];
  return verifyExport({ lines: linesOf(lines), verify: audit.verify, anchorLines: linesOf(kept) });
}

const lives = (...of: readonly [string, number, number?][]): Life[] =>
  of.map(([incarnation, after, lost]) => ({ incarnation, after, ...(lost === undefined ? {} : { lost: { position: lost, time } }) }));

describe('an export that is held against a copy of the anchors', () => {
  const first = lives([firstLife, 0]);

  it('fails when its own anchors know of longer lives, and nothing of those of the copy', async () => {
    const kept = await anchorsOf(rows(6), { from: 1, to: 6, lineage: first });
    const log = rows(6).map((row) => (row.position === 4 ? forged(row) : row));
    const own = await anchorsOf(
      log,
      { from: 1, to: 3, lineage: lives([second, 0]) },
      { from: 4, to: 6, lineage: lives([second, 0], [third, 3, 3]) },
    );
    const { finding, checked } = await verify(log, own, kept);
    expect([finding?.kind, finding?.line, checked]).toEqual(['anchor_of_another_log', 1, 0]);
    expect(finding?.message).toContain(`in the anchor file: `);
    // As long as each other: neither hides the other, either.
    expect((await verify(log, await anchorsOf(log, { from: 1, to: 6, lineage: lives([second, 0]) }), kept)).finding?.kind).toBe(
      'anchor_of_another_log',
    );
  });

  it('tells a restore that its own anchors make smaller than it was', async () => {
    const kept = await anchorsOf(rows(6), { from: 1, to: 6, lineage: first });
    const log = rows(6).map((row) => (row.position === 4 ? forged(row) : row));
    const own = await anchorsOf(
      log,
      { from: 1, to: 1, lineage: first },
      { from: 2, to: 6, lineage: lives([firstLife, 0], [second, 1, 1]) },
    );
    expect((await verify(log, own, [])).restored).toEqual([]);
    expect(await verify(log, own, kept)).toMatchObject({
      finding: undefined,
      restored: [{ incarnation: second, after: 1, lost: { position: 6, time } }],
    });
  });

  it('fails when two anchors that count say different things of an event', async () => {
    const log = rows(6).map((row) => (row.position === 4 ? forged(row) : row));
    const [kept, own] = [
      await anchorsOf(rows(6), { from: 1, to: 5, lineage: first }),
      await anchorsOf(log, { from: 1, to: 6, lineage: first }),
    ];
    for (const exported of [log, rows(6)])
      expect((await verify(exported, own, kept)).finding).toMatchObject({ kind: 'anchors_disagree', position: 4, line: 1 });
  });

  it('is whole after a restore: with a file that went on, and one that another replica began since', async () => {
    const before = await anchorsOf(rows(6), { from: 1, to: 6, lineage: first });
    const log = rows(9).map((row) => (row.position > 4 ? forged(row) : row));
    const lineage = lives([firstLife, 0], [second, 4, 6]);
    const since = await anchorsOf(log, { from: 5, to: 9, lineage });
    const restored = [{ incarnation: second, after: 4, lost: { position: 6, time } }];
    const whole = { finding: undefined, checked: 9, anchored: { position: 9 }, restored };
    expect(await verify(log, [...before, ...since], before)).toMatchObject(whole);
    const another = await anchorsOf(log, { from: 1, to: 9, lineage: lives([second, 0]) });
    expect(await verify(log, another, [...before, ...since])).toMatchObject(whole);
  });
});

describe('an export whose header says more than there is', () => {
  it('is incomplete, and takes no memory for what it does not have', async () => {
    const lines = await exportOf(rows(4), [4], audit);
    const claim = async (to: number) => {
      const header = JSON.stringify({ ...(JSON.parse(lines[0] ?? '') as object), to });
      return verifyExport({ lines: linesOf([header, ...lines.slice(1)]), verify: audit.verify });
    };
    for (const to of [1_000_000, 2 ** 33, Number.MAX_SAFE_INTEGER])
      expect(await claim(to)).toMatchObject({ finding: { kind: 'incomplete', position: 5 }, anchored: { position: 4 } });
  });
});
