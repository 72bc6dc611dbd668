/** Cursors over any history of restores: what a holder may keep, and what it must drop. */
import { describe, expect, it } from '@jest/globals';
import { FairleadError } from '@fairlead/contracts';
import fc from 'fast-check';
import { formatCursor, parseCursor, resolveWith, type Incarnation, type LogCursor, type LogHistory } from './cursor.js';

const uuid = (n: number) => `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

describe('the text of a cursor', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.option(fc.uuid(), { nil: undefined }), (position, incarnation) => {
        const cursor = incarnation === undefined ? { position } : { position, incarnation };
        expect(parseCursor(formatCursor(cursor))).toEqual(cursor);
      }),
    );
  });

  it('is refused when it is anything else', () => {
    for (const text of [
      '',
      'x',
      '-1',
      '01',
      '1.5',
      '1.',
      `1.${uuid(1)} `,
      `1.${uuid(1).toUpperCase().replace('01', 'AB')}`,
      '9007199254740993',
      '1e3',
    ]) {
      expect(() => parseCursor(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    }
  });
});

/** What a database holds: each event is a number of its own. */
interface State {
  log: number[];
  incarnations: Incarnation[];
}

/** Whoever has seen the log up to a position of an incarnation. */
interface Holder {
  cursor: Required<LogCursor>;
  events: number[];
}

type Step =
  | { do: 'append'; count: number }
  | { do: 'hold'; back: number }
  | { do: 'backup' }
  /** `dirty` events are written before the new incarnation begins, after the last event that was restored. */
  | { do: 'restore'; which: number; dirty: number }
  /** A new incarnation without a loss. */
  | { do: 'begin' };

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ do: fc.constant('hold' as const), back: fc.nat(6) }),
    fc.record({ do: fc.constant('backup' as const) }),
    fc.record({ do: fc.constant('restore' as const), which: fc.nat(5), dirty: fc.nat(3) }),
    fc.record({ do: fc.constant('begin' as const) }),
  ),
  { maxLength: 40 },
);

class World {
  private state: State = { log: [], incarnations: [{ incarnation: uuid(0), beganAfter: 0 }] };
  private backups: State[] = [];
  readonly holders: Holder[] = [];
  private events = 0;
  private lives = 0;

  get log(): readonly number[] {
    return this.state.log;
  }

  get history(): LogHistory {
    const { log, incarnations } = this.state;
    return { head: { position: log.length, incarnation: incarnations.at(-1)?.incarnation ?? '' }, incarnations };
  }

  run(step: Step, whileBehind: (world: World) => void): void {
    if (step.do === 'append') this.append(step.count);
    else if (step.do === 'hold') this.hold(Math.max(0, this.log.length - step.back));
    else if (step.do === 'backup') this.backups.push(structuredClone(this.state));
    else if (step.do === 'begin') this.begin(this.log.length);
    else this.restore(step.which, step.dirty, whileBehind);
  }

  private append(count: number): void {
    for (let n = 0; n < count; n += 1) this.state.log.push((this.events += 1));
    // Somebody always follows the end.
    this.hold(this.log.length);
  }

  private hold(position: number): void {
    this.holders.push({ cursor: { position, incarnation: this.history.head.incarnation }, events: this.log.slice(0, position) });
  }

  private begin(beganAfter: number): void {
    this.state.incarnations.push({ incarnation: uuid((this.lives += 1)), beganAfter });
  }

  private restore(which: number, dirty: number, whileBehind: (world: World) => void): void {
    const backup = this.backups[which % Math.max(1, this.backups.length)];
    if (backup === undefined) return;
    this.state = structuredClone(backup);
    const kept = this.log.length;
    whileBehind(this);
    // What is written meanwhile is told from what was lost, which stands at the same positions; without a loss all of it is kept.
    const { incarnation } = this.history.head;
    const lost = this.holders.some(({ cursor, events }) => cursor.incarnation === incarnation && events.length > kept);
    if (dirty > 0) {
      this.append(dirty);
      // Going over to what lies beyond would mix these events up with those: the one thing that is the operator's to avoid.
      this.backups = this.backups.filter(({ log }) => log.length <= kept);
    }
    this.begin(lost ? kept : this.log.length);
  }
}

function outcome(world: World, holder: Holder): { position: number } | { code: string; details: Readonly<Record<string, unknown>> } {
  try {
    return { position: resolveWith(world.history, holder.cursor) };
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    return { code: error.code, details: error.details };
  }
}

/** Checks a holder against the log as it is. Answers what happened, so that it can be seen that all of it does. */
function check(world: World, holder: Holder): string {
  const found = outcome(world, holder);
  if ('position' in found) {
    expect(found.position).toBe(holder.cursor.position);
    expect(holder.events).toEqual(world.log.slice(0, found.position));
    return 'kept';
  }
  expect(found.code).toBe('cursor_superseded');
  expect(found.details['incarnation']).toBe(world.history.head.incarnation);
  const until = Number(found.details['valid_until']);
  expect(until).toBeLessThan(holder.cursor.position);
  expect(holder.events.slice(0, until)).toEqual(world.log.slice(0, until));
  if (!world.history.incarnations.some(({ incarnation }) => incarnation === holder.cursor.incarnation)) {
    expect(until).toBe(0);
    return 'unknown';
  }
  // Not a position more could be kept: one who shows such a cursor has seen an event there that the log does not have.
  const sameLife = world.holders.filter(({ cursor }) => cursor.incarnation === holder.cursor.incarnation && cursor.position > until);
  expect(sameLife.some(({ events }) => events[until] !== world.log[until])).toBe(true);
  return 'superseded';
}

it('a holder keeps nothing that the log no longer has, and drops nothing that every holder of such a cursor could keep', () => {
  const seen = new Map<string, number>();
  const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
  fc.assert(
    fc.property(steps, (all) => {
      const world = new World();
      for (const step of all) {
        world.run(step, (restored) => {
          // As long as nobody has begun a new incarnation, all that can be said is that the log is behind.
          for (const holder of restored.holders) {
            const { head, incarnations } = restored.history;
            if (holder.cursor.incarnation !== head.incarnation) continue;
            const found = outcome(restored, holder);
            expect('code' in found ? found.code : 'kept').toBe(holder.cursor.position > head.position ? 'log_behind' : 'kept');
            expect(incarnations.length).toBeGreaterThan(0);
            count('behind');
          }
        });
        for (const holder of world.holders) count(check(world, holder));
      }
    }),
    { numRuns: 500 },
  );
  for (const what of ['kept', 'superseded', 'unknown', 'behind']) expect(seen.get(what)).toBeGreaterThan(0);
});

it('a position alone is of the present incarnation', () => {
  const history: LogHistory = {
    head: { position: 8, incarnation: uuid(2) },
    incarnations: [
      { incarnation: uuid(1), beganAfter: 0 },
      { incarnation: uuid(2), beganAfter: 5 },
    ],
  };
  expect(resolveWith(history, { position: 8 })).toBe(8);
  expect(() => resolveWith(history, { position: 9 })).toThrow(expect.objectContaining({ code: 'log_behind', details: { position: 8 } }));
  expect(resolveWith(history, { position: 5, incarnation: uuid(1) })).toBe(5);
  expect(() => resolveWith(history, { position: 6, incarnation: uuid(1) })).toThrow(
    expect.objectContaining({ code: 'cursor_superseded', details: { incarnation: uuid(2), valid_until: 5 } }),
  );
});
