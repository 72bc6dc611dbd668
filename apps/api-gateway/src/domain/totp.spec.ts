import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { base32, codeOfStep, otpauthUri, readCode, recoveryCode, stepAt, stepOfCode } from './totp.js';

const secret = Buffer.from('12345678901234567890');
const anySecret = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes));
const anyTime = fc.integer({ min: 60_000, max: 4_000_000_000_000 });

describe('a code', () => {
  // Appendix B of RFC 6238 has eight digits; the last six are those of a code of six.
  it.each([
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ])("is the RFC's at %i s", (seconds, code) => {
    expect(codeOfStep(secret, stepAt(seconds * 1_000))).toBe(code.slice(2));
  });

  it('is taken in its own step, the one before and the one after, and in no other', () => {
    fc.assert(
      fc.property(anySecret, anyTime, fc.integer({ min: -4, max: 4 }), (key, nowMs, late) => {
        const step = stepAt(nowMs) - late;
        if (step < 0) return;
        const found = stepOfCode(key, codeOfStep(key, step), nowMs);
        if (Math.abs(late) <= 1) expect(found).toBeGreaterThanOrEqual(step);
        // Two steps may have the same code by chance: then it is that of another step, never of this one.
        else expect(found).not.toBe(step);
      }),
    );
  });

  it('belongs to the step that is answered, whatever is typed', () => {
    fc.assert(
      fc.property(
        anySecret,
        anyTime,
        fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.stringMatching(/^\d{6}$/)),
        (key, nowMs, typed) => {
          const step = stepOfCode(key, typed, nowMs);
          if (step !== undefined) expect(codeOfStep(key, step)).toBe(typed);
        },
      ),
    );
  });
});

describe('base32', () => {
  it.each([
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ])('of %j is %s', (text, encoded) => {
    expect(base32(Buffer.from(text))).toBe(encoded);
  });

  it('loses nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const bits = Array.from(base32(Buffer.from(bytes)))
          .map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
          .join('');
        const decoded = Array.from({ length: bytes.length }, (_, index) => parseInt(bits.slice(index * 8, index * 8 + 8), 2));
        expect(decoded).toEqual([...bytes]);
      }),
    );
  });
});

describe('what is typed', () => {
  it('may have spaces, hyphens and small letters', () => {
    expect(readCode(' 123 456 ')).toEqual({ kind: 'totp', code: '123456' });
    expect(readCode('abcd-EFGH-2345-wxyz')).toEqual({ kind: 'recovery', code: 'ABCDEFGH2345WXYZ' });
  });

  it('is the recovery code that was shown, and never a code of an app', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 10, maxLength: 10 }), (bytes) => {
        const shown = recoveryCode(Buffer.from(bytes));
        expect(shown).toMatch(/^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$/);
        expect(readCode(shown)).toEqual({ kind: 'recovery', code: shown.replaceAll('-', '') });
      }),
    );
  });
});

it('the URI names issuer, user and secret', () => {
  expect(otpauthUri(secret, 'ann+1@example.com')).toBe(
    'otpauth://totp/Fairlead:ann%2B1%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Fairlead&algorithm=SHA1&digits=6&period=30',
  );
});
