import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { commonPasswords } from './common-passwords.js';
import { maxPasswordLength, minPasswordLength, passwordProblems } from './password-policy.js';

const owner = { email: 'ann.longname.smith@example.com', current: 'the present passphrase' };

describe('a new password', () => {
  it.each([
    ['elevenchars', 'must have at least 12 characters'],
    ['x y'.repeat(400), 'must have 1024 characters at most'],
    ['the present passphrase', 'is the current password'],
    ['Ann.LongName.Smith@example.com', 'must not be the e-mail address or its first part'],
    ['ann.longname.smith', 'must not be the e-mail address or its first part'],
    ['Password1234', 'is one of the commonest passwords, which are guessed first'],
    ['123456123456', 'is one of the commonest passwords, which are guessed first'],
    ['abcabcabcabc', 'is one of the commonest passwords, which are guessed first'],
  ])('%j is refused, and why is said', (password, message) => {
    expect(passwordProblems(password, owner)).toContain(message);
  });

  it('is told all that is wrong with it at once', () => {
    expect(passwordProblems('aaaa', { ...owner, current: 'aaaa' })).toEqual([
      'must have at least 12 characters',
      'is the current password',
      'is one of the commonest passwords, which are guessed first',
    ]);
  });

  it('is taken when no rule is broken: any random one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 60 }), (bytes) => {
        fc.pre(new Set(bytes).size > 6);
        expect(passwordProblems(Buffer.from(bytes).toString('base64url'), owner)).toEqual([]);
      }),
    );
  });
});

it('the list has two hundred passwords, in lower case and as long as they must be', () => {
  expect(commonPasswords.size).toBeGreaterThanOrEqual(200);
  for (const password of commonPasswords) {
    expect(password).toBe(password.toLowerCase());
    expect(password.length).toBeGreaterThanOrEqual(minPasswordLength);
    expect(password.length).toBeLessThanOrEqual(maxPasswordLength);
  }
});
