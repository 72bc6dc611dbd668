import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareVersions, epochToRaise, type Look, type OwnState } from './epoch.js';

const small = fc.integer({ min: 0, max: 6 });
const bucket = fc.constantFrom('2026-01-01T00:00:00Z', '2026-02-02T00:00:00Z');
const own: fc.Arbitrary<OwnState> = fc.record({
  epoch: fc.integer({ min: 1, max: 6 }),
  revision: small,
  bucketCreated: fc.option(bucket),
  givenEpoch: small,
});
const look: fc.Arbitrary<Look> = fc.record({
  expectedBucket: fc.option(bucket),
  known: fc.option(fc.record({ epoch: small, revision: small, bucketCreated: bucket }), { nil: undefined }),
});

describe('epochToRaise', () => {
  it('leaves what will be published newer than all that is known, and is done after one raise', () => {
    fc.assert(
      fc.property(own, look, (mine, seen) => {
        const raised = epochToRaise(mine, seen);
        const next = { ...mine, epoch: raised ?? mine.epoch };
        expect(next.epoch).toBeGreaterThanOrEqual(mine.epoch);
        if (raised !== undefined) expect(raised).toBe(Math.max(mine.epoch, mine.givenEpoch, seen.known?.epoch ?? 0) + 1);
        if (seen.known !== undefined) expect(compareVersions(next, seen.known)).toBeGreaterThanOrEqual(0);
        // The raise forgets the bucket; the publication then makes one, or takes the one that stands.
        expect(raised === undefined ? undefined : epochToRaise({ ...next, bucketCreated: null }, seen)).toBeUndefined();
      }),
    );
  });

  it('is due when the bucket is gone or another one, and not for a first publication or an older state in our bucket', () => {
    const mine = { epoch: 3, revision: 8, bucketCreated: 'then', givenEpoch: 3 };
    const saw = (known: Look['known']): Look => ({ expectedBucket: 'then', known });
    expect(epochToRaise(mine, saw(undefined))).toBe(4);
    expect(epochToRaise(mine, saw({ epoch: 1, revision: 2, bucketCreated: 'now' }))).toBe(4);
    expect(epochToRaise(mine, saw({ epoch: 3, revision: 9, bucketCreated: 'then' }))).toBe(4);
    expect(epochToRaise(mine, saw({ epoch: 5, revision: 0, bucketCreated: 'then' }))).toBe(6);
    expect(epochToRaise(mine, saw({ epoch: 3, revision: 7, bucketCreated: 'then' }))).toBeUndefined();
    expect(epochToRaise({ ...mine, bucketCreated: null }, { expectedBucket: null, known: undefined })).toBeUndefined();
  });

  it('goes above what readers may have seen before a restore', () => {
    const mine = { epoch: 3, revision: 8, bucketCreated: 'the database was restored', givenEpoch: 1_795_000_000 };
    expect(epochToRaise(mine, { expectedBucket: mine.bucketCreated, known: undefined })).toBe(1_795_000_001);
    expect(epochToRaise(mine, { expectedBucket: mine.bucketCreated, known: { epoch: 3, revision: 8, bucketCreated: 'then' } })).toBe(
      1_795_000_001,
    );
  });

  it('is not due for a bucket that another replica made or replaced during the look', () => {
    const mine = { epoch: 3, revision: 8, bucketCreated: 'now', givenEpoch: 3 };
    expect(epochToRaise(mine, { expectedBucket: null, known: undefined })).toBeUndefined();
    expect(epochToRaise(mine, { expectedBucket: 'then', known: undefined })).toBeUndefined();
    expect(epochToRaise({ ...mine, bucketCreated: null }, { expectedBucket: 'then', known: undefined })).toBeUndefined();
  });

  it('is due when the bucket holds other content under our version, until we have moved on', () => {
    const mine = { epoch: 3, revision: 8, bucketCreated: 'then', givenEpoch: 3 };
    const seen = { expectedBucket: 'then', known: mine };
    expect(epochToRaise(mine, seen, { epoch: 3, revision: 8 })).toBe(4);
    expect(epochToRaise({ ...mine, revision: 9 }, seen, { epoch: 3, revision: 8 })).toBeUndefined();
  });
});
