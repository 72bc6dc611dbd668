import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createAssembler, type PlacementSource } from '@fairlead/placement-reader';
import { decodeIncrement, incrementJson, maxChangesBytes, shortSha256, type Increment } from '@fairlead/placement-reader/format';
import { changesOf, planPublication, type Held, type Publication } from './publication.js';

const source = (revision: number, moved: Record<string, string> = {}): PlacementSource => ({
  epoch: 1,
  revision,
  maps: {
    aggregate: new Map(Object.entries({ acme: 's1', globex: 's1', ...moved })),
    projection: new Map(),
    runner: new Map([['acme', 's1']]),
  },
  shards: [{ kind: 'runner', shardId: 's1', endpoints: [], weight: revision, labels: { zone: 'a' }, state: 'active' }],
});

/** A reader that shows the first of two publications, and what is told of the second. */
function between(first: PlacementSource, second: PlacementSource) {
  const none: Held = new Map();
  const [before, assembler] = [planPublication(none, first), createAssembler()];
  for (const { key, value } of [...before.chunks, before.marker]) assembler.take(key, Buffer.from(value));
  const after = planPublication(before.held, second);
  const marked = ({ epoch, revision }: PlacementSource, { marker }: Publication) => ({
    epoch,
    revision,
    marker: shortSha256(marker.value),
  });
  const changes = changesOf(before.held, after);
  const base = changes === undefined ? undefined : { from: marked(first, before), changes };
  const increment: Increment = { ...marked(second, after), base };
  return { assembler, changes, increment, message: JSON.stringify(incrementJson(increment)) };
}

describe('an increment', () => {
  it('holds the seats that changed, and makes the next snapshot of the one before', () => {
    const { assembler, message } = between(source(1), source(2, { acme: 's2', initech: 's3' }));
    expect(JSON.parse(message)).toMatchObject({ format: 1, epoch: 1, revision: 2, from: { epoch: 1, revision: 1 }, gone: [] });
    expect(message.length).toBeLessThan(1000);
    expect(assembler.advance(decodeIncrement(Buffer.from(message)))).toMatchObject({ epoch: 1, revision: 2 });
    const snapshot = assembler.current();
    expect(['acme', 'globex', 'initech'].map((tenant) => snapshot?.shardOf('aggregate', tenant))).toEqual(['s2', 's1', 's3']);
    expect(snapshot?.shard('runner', 's1')).toMatchObject({ weight: 2, labels: { zone: 'a' } });
    expect(assembler.advance(decodeIncrement(Buffer.from(message)))).toBe('same');
  });

  it('changes nothing when anything in it was altered on its way', () => {
    const { assembler, message } = between(source(1), source(2, { acme: 's2' }));
    const shown = assembler.current();
    fc.assert(
      fc.property(fc.nat({ max: message.length - 1 }), fc.constantFrom('0', '1', 'x', '"', ',', '}'), (at, char) => {
        const altered = message.slice(0, at) + char + message.slice(at + 1);
        if (altered === message) return;
        // What names the new version is vouched for by nothing, and leads to a look at the bucket, which has the true one.
        const { assembler: fresh } = between(source(1), source(2, { acme: 's2' }));
        let outcome: unknown;
        try {
          outcome = fresh.advance(decodeIncrement(Buffer.from(altered)));
        } catch {
          return;
        }
        if (typeof outcome === 'string') expect(fresh.current()?.revision).toBe(shown?.revision);
        else expect(fresh.current()?.shardOf('aggregate', 'acme')).toBe('s2');
      }),
      { seed: 20_261_122, numRuns: 400 },
    );
  });

  it('only tells that there is something new when much of it is', () => {
    const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`tenant-${String(index)}-${'x'.repeat(40)}`, 's1']));
    const { assembler, changes, message } = between(source(1), source(2, many));
    expect(changes).toBeUndefined();
    expect(JSON.parse(message)).toEqual({ format: 1, epoch: 1, revision: 2, marker: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(assembler.advance(decodeIncrement(Buffer.from(message)))).toBe('missed');
    expect(assembler.current()).toMatchObject({ revision: 1 });
    // Below that, what is told is within the bound.
    const some = Object.fromEntries(Object.entries(many).slice(0, 500));
    const told = between(source(1), source(2, some)).message;
    expect(JSON.parse(told)).toHaveProperty('from');
    expect(told.length).toBeLessThan(maxChangesBytes * 1.5);
  });

  it.each([
    '',
    '[]',
    '{"format":2,"epoch":1,"revision":9,"marker":""}',
    '{"format":1,"epoch":1,"revision":9}',
    '{"format":1,"epoch":1,"revision":9,"marker":"","from":{}}',
  ])('is refused when it is malformed: %s', (text) => {
    expect(() => decodeIncrement(Buffer.from(text))).toThrow();
  });
});
