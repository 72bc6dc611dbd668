import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createSealer } from './sealing.js';

const sealer = createSealer(randomBytes(32));
const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((all) => Buffer.from(all));

describe('a sealed secret', () => {
  it('is opened for its user with its key, and is not in what is stored', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), fc.string(), (all, userId) => {
        const secret = Buffer.from(all);
        const sealed = sealer.seal(userId, secret);
        expect(sealer.open(userId, sealed)).toEqual(secret);
        expect(sealed.includes(secret)).toBe(false);
        expect(sealer.seal(userId, secret)).not.toEqual(sealed);
      }),
    );
  });

  it('is opened for nobody else, with no other key, and not when any bit of it was changed', () => {
    fc.assert(
      fc.property(bytes, fc.nat(), (secret, at) => {
        const sealed = sealer.seal('usr_1', secret);
        expect(sealer.open('usr_2', sealed)).toBeUndefined();
        expect(createSealer(randomBytes(32)).open('usr_1', sealed)).toBeUndefined();
        const changed = Buffer.from(sealed);
        changed.writeUInt8(changed.readUInt8(at % changed.length) ^ (1 << (at % 8)), at % changed.length);
        expect(sealer.open('usr_1', changed)).toBeUndefined();
        expect(sealer.open('usr_1', sealed.subarray(0, at % sealed.length))).toBeUndefined();
      }),
    );
  });
});
