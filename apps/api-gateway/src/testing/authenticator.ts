import { codeOfStep, stepAt } from '../domain/totp.js';

/** For specs: what an authenticator app shows now, or so many steps later, for a secret as it was shown. */
export function appCode(secret: string, later = 0): string {
  const bits = Array.from(secret, (char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0')).join('');
  const bytes = Array.from({ length: Math.floor(bits.length / 8) }, (_, index) => parseInt(bits.slice(index * 8, index * 8 + 8), 2));
  return codeOfStep(Buffer.from(bytes), stepAt(Date.now()) + later);
}
