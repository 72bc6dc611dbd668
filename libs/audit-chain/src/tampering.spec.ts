/** Whatever is done to one place of an export or of the log, that place is named; and nothing is named when nothing was done. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anchoredLeaf, canonicalRow, checkStretch, genesis, linksOf, verifyExport, type LogRow } from './index.js';
import { exportOf, linesOf, rowAt, signer, type Signer } from './chain.fixture.js';

// Properties take their time on a busy machine.
let audit: Signer;

beforeAll(async () => {
  audit = await signer();
});

const rows = (count: number) => Array.from({ length: count }, (_, index) => rowAt(index + 1));

/** A log of some events with anchors at some of its positions, the last one at the last event. */
const logs = fc
  .record({ count: fc.integer({ min: 2, max: 24 }), cuts: fc.uniqueArray(fc.integer({ min: 1, max: 23 }), { maxLength: 4 }) })
  .map(({ count, cuts }) => ({ count, ends: [...cuts.filter((cut) => cut < count).sort((a, b) => a - b), count] }));

/** One change of one place. */
const changes = fc.record({ kind: fc.constantFrom('edited', 'deleted', 'inserted', 'reordered'), at: fc.nat() });

const edits: readonly ((row: LogRow) => LogRow)[] = [
  (row) => ({ ...row, payload: '{"n":-1}' }),
  (row) => ({ ...row, meta: '{"principal":"user:usr_eve"}' }),
  (row) => ({ ...row, recorded_at: '1763700000.000001' }),
  (row) => ({ ...row, version: '9' }),
  (row) => ({ ...row, aggregate_id: 'job_of_another' }),
];

async function verify(lines: readonly string[]) {
  return verifyExport({ lines: linesOf(lines), verify: audit.verify });
}

describe('an export', () => {
  it('is found to be whole, wherever its anchors are', async () => {
    await fc.assert(
      fc.asyncProperty(logs, async ({ count, ends }) => {
        const report = await verify(await exportOf(rows(count), ends, audit));
        expect(report).toMatchObject({ from: 1, to: count, checked: count, finding: undefined, anchored: { position: count } });
      }),
      { numRuns: 40 },
    );
  });

  it('has the line named that was edited, taken away, added or swapped with its neighbour', async () => {
    await fc.assert(
      fc.asyncProperty(logs, changes, fc.nat(), async ({ count, ends }, { kind, at }, nth) => {
        const lines = await exportOf(rows(count), ends, audit);
        const position = (at % (kind === 'reordered' ? count - 1 : count)) + 1;
        const line = lines[position] ?? '';
        // What an attacker writes by the rules: a whole line, in canonical form, with a hash that fits.
        const edit = edits[nth % edits.length] ?? edits[0];
        const forged = (await exportOf([...rows(position - 1), edit?.(rowAt(position)) ?? rowAt(position)], [], audit))[position] ?? '';
        if (kind === 'edited') lines[position] = forged;
        else if (kind === 'deleted') lines.splice(position, 1);
        else if (kind === 'inserted') lines.splice(position, 0, forged);
        else lines.splice(position, 2, lines[position + 1] ?? '', line);
        const { finding, checked } = await verify(lines);
        const told = kind === 'deleted' && position === count ? 'truncated' : kind;
        expect(finding).toMatchObject({ kind: told, position, line: position + 1 });
        expect(checked).toBeLessThan(position);
      }),
      { numRuns: 150 },
    );
  });

  it('is refused with any one byte of its events changed', async () => {
    const lines = await exportOf(rows(6), [3, 6], audit);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.nat(), fc.constantFrom('0', 'x', ' ', '"'), async (at, where, char) => {
        const line = lines[at] ?? '';
        const index = where % line.length;
        if (line[index] === char) return;
        const { finding } = await verify(lines.with(at, line.slice(0, index) + char + line.slice(index + 1)));
        expect(finding).toMatchObject({ line: at + 1 });
      }),
    );
  });

  it('that was cut off, or whose header or end says something else, is refused', async () => {
    const lines = await exportOf(rows(6), [3, 6], audit);
    const kindOf = async (changed: readonly string[]) => (await verify(changed)).finding?.kind;
    expect(await kindOf(lines.slice(0, -1))).toBe('incomplete');
    expect(await kindOf(lines.slice(0, 4))).toBe('truncated');
    expect(await kindOf([])).toBe('line_unreadable');
    expect(await kindOf([...lines, lines[1] ?? ''])).toBe('line_unreadable');
    expect(await kindOf(lines.toSpliced(8, 1))).toBe('incomplete');
    const header = (change: object) => [
      JSON.stringify(Object.fromEntries(Object.entries({ ...(JSON.parse(lines[0] ?? '') as object), ...change }).sort())),
      ...lines.slice(1),
    ];
    expect(await kindOf(header({}))).toBeUndefined();
    expect(await kindOf(header({ to: 5 }))).toBe('incomplete');
    expect(await kindOf(header({ to: 7 }))).toBe('truncated');
    expect(await kindOf(header({ from: 2 }))).toBe('inserted');
    expect(await kindOf(header({ prior: '11'.repeat(32) }))).toBe('hash_wrong');
    expect(await kindOf(header({ more: 1 }))).toBe('line_unreadable');
  });

  it('that was rewritten as a whole fails at the anchors, which nobody else can sign', async () => {
    const forged = [...rows(3), edits[0]?.(rowAt(4)) ?? rowAt(4), rowAt(5), rowAt(6)];
    const [lines, honest] = [await exportOf(forged, [3, 6], audit), await exportOf(rows(6), [3, 6], audit)];
    expect((await verify([...lines.slice(0, 7), ...honest.slice(7)])).finding).toMatchObject({ kind: 'edited', position: 4, line: 5 });
    const stranger = await exportOf(forged, [3, 6], await signer());
    expect((await verify(stranger)).finding).toMatchObject({ kind: 'anchor_signature_wrong', line: 8 });
    const other = await exportOf(forged, [3, 6], await signer('placement'));
    expect((await verify(other)).finding).toMatchObject({ kind: 'anchor_signature_wrong' });
    // An export without its anchors proves nothing, and says so; anchors that were kept elsewhere do.
    const bare = await exportOf(forged, [], audit);
    expect(await verify(bare)).toMatchObject({ finding: undefined, anchored: undefined });
    const kept = await verifyExport({ lines: linesOf(bare), verify: audit.verify, anchorLines: linesOf(honest.slice(7, 9)) });
    expect(kept.finding).toMatchObject({ kind: 'edited', position: 4, line: 5 });
  });

  it('goes through parts of any size', async () => {
    const many = rows(4_500);
    const lines = await exportOf(many, [1_999, 2_001, 4_000], audit);
    expect(await verify(lines)).toMatchObject({ finding: undefined, checked: 4_500, anchored: { position: 4_000 } });
    for (const at of [1, 1_999, 2_000, 2_001, 2_002, 3_999, 4_000, 4_001, 4_499]) {
      const swapped = lines.toSpliced(at, 2, lines[at + 1] ?? '', lines[at] ?? '');
      expect((await verify(swapped)).finding).toMatchObject({ position: at, kind: 'reordered' });
      expect((await verify(lines.toSpliced(at, 1))).finding).toMatchObject({ position: at, kind: 'deleted' });
    }
  });
});

describe('a stretch of the log', () => {
  /** Rows after a change by a statement on the table: those behind it move up or down, unless a gap is left. */
  function changed(count: number, kind: string, at: number): LogRow[] {
    const all = rows(count);
    const moved = (row: LogRow, by: number): LogRow => ({ ...row, position: row.position + by });
    const [before, row, behind] = [all.slice(0, at - 1), all[at - 1] ?? rowAt(at), all.slice(at)];
    if (kind === 'edited') return [...before, edits[at % edits.length]?.(row) ?? row, ...behind];
    if (kind === 'gap') return [...before, ...behind];
    if (kind === 'deleted') return [...before, ...behind.map((one) => moved(one, -1))];
    if (kind === 'inserted') return [...before, rowAt(at, { aggregate_id: 'forged' }), ...[row, ...behind].map((one) => moved(one, 1))];
    const [next, ...rest] = behind;
    return next === undefined ? all : [...before, moved(next, -1), moved(row, 1), ...rest];
  }

  it('has the position named that was changed, and how', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 4, max: 40 }),
        fc.constantFrom('edited', 'gap', 'deleted', 'inserted', 'reordered'),
        fc.nat(),
        fc.boolean(),
        async (count, kind, nth, rewritten) => {
          const links = linksOf(genesis, rows(count).map(canonicalRow));
          const anchor = await audit.sign({ links, from: 1, to: count });
          const at = (nth % (kind === 'reordered' ? count - 1 : count)) + 1;
          const after = changed(count, kind, at).map(canonicalRow);
          const kept = rewritten ? linksOf(genesis, after) : links;
          const checked = checkStretch({
            from: 1,
            to: count,
            rows: after,
            more: false,
            prior: genesis,
            anchored: anchor.hash,
            expected: (position) => anchoredLeaf(anchor, position),
            links: new Map(kept.map((link) => [link.position, link])),
          });
          const gone = ['gap', 'deleted'].includes(kind);
          const told =
            gone && at === count
              ? 'truncated'
              : gone && kind === 'gap'
                ? 'deleted'
                : rewritten
                  ? 'chain_rewritten'
                  : gone
                    ? 'deleted'
                    : kind;
          expect(checked).toEqual({ broken: expect.objectContaining({ position: at, kind: told }) });
        },
      ),
      { numRuns: 150 },
    );
  });

  it('has what was done to the chain alone named', () => {
    const events = rows(5).map(canonicalRow);
    const links = linksOf(genesis, events);
    const check = (changedLinks: typeof links, anchored = links[4]?.hash) =>
      checkStretch({
        ...{ from: 1, to: 5, rows: events, more: false, prior: genesis, anchored },
        expected: (position) => links[position - 1]?.leaf,
        links: new Map(changedLinks.map((link) => [link.position, link])),
      });
    const bad = Buffer.alloc(32, 1);
    expect(check(links)).toEqual({ hash: links[4]?.hash });
    expect(check(links.map((link) => (link.position === 3 ? { ...link, hash: bad } : link)))).toMatchObject({
      broken: { position: 3, kind: 'chain_broken' },
    });
    expect(check(links.filter(({ position }) => position !== 4))).toMatchObject({ broken: { position: 4, kind: 'chain_broken' } });
    expect(check(links, bad)).toMatchObject({ broken: { position: 5, kind: 'hash_wrong' } });
  });
});
