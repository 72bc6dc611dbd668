import { commonPasswords } from './common-passwords.js';

export const minPasswordLength = 12;
export const maxPasswordLength = 1_024;

/** Whose password it is to be. */
export interface PasswordOwner {
  readonly email: string;
  /** The present password, when there is one. */
  readonly current?: string;
}

/** What is wrong with a new password, one message for each rule that it breaks; none when it may be taken. */
export function passwordProblems(password: string, { email, current }: PasswordOwner): string[] {
  const [plain, address] = [password.toLowerCase(), email.toLowerCase()];
  const rules: readonly [broken: boolean, message: string][] = [
    [password.length < minPasswordLength, `must have at least ${minPasswordLength} characters`],
    [password.length > maxPasswordLength, `must have ${maxPasswordLength} characters at most`],
    [password === current, 'is the current password'],
    [plain === address || plain === address.slice(0, address.lastIndexOf('@')), 'must not be the e-mail address or its first part'],
    [isCommon(plain), 'is one of the commonest passwords, which are guessed first'],
  ];
  return rules.filter(([broken]) => broken).map(([, message]) => message);
}

/** In the list, or one that the list need not spell out: a short part over and over. `plain` is in lower case. */
function isCommon(plain: string): boolean {
  return commonPasswords.has(plain) || /^(.{1,6})\1+$/u.test(plain);
}
