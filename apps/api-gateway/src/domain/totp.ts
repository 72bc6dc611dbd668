import { createHmac, timingSafeEqual } from 'node:crypto';

/** One-time codes as RFC 6238 makes them: HMAC-SHA-1 over steps of 30 seconds, six digits; what every authenticator app knows. */
const stepSeconds = 30;
const digits = 6;
/** A code is taken one step early or late: clocks differ, and people need time to type. */
const window = 1;

/** The number of the time step at a time. */
export function stepAt(nowMs: number): number {
  return Math.floor(nowMs / 1_000 / stepSeconds);
}

/** The code of one time step. */
export function codeOfStep(secret: Buffer, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  // RFC 4226: the last four bits say where the number begins; its sign is left out.
  const offset = mac.readUInt8(mac.length - 1) & 0xf;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** digits).padStart(digits, '0');
}

/**
 * The latest time step that a code belongs to and that is taken now; undefined for any other text. It takes as long for
 * each code. That a step is taken once is for whoever remembers the last one to see to.
 */
export function stepOfCode(secret: Buffer, code: string, nowMs: number): number | undefined {
  if (!isCode(code)) return undefined;
  const given = Buffer.from(code);
  const now = stepAt(nowMs);
  let found: number | undefined;
  for (let step = now - window; step <= now + window; step++)
    if (step >= 0 && timingSafeEqual(Buffer.from(codeOfStep(secret, step)), given)) found = step;
  return found;
}

function isCode(text: string): boolean {
  return /^\d{6}$/.test(text);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Base32 of RFC 4648 without padding, as authenticator apps take secrets. */
export function base32(bytes: Buffer): string {
  let text = '';
  let [value, bits] = [0, 0];
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet.charAt((value >> (bits - 5)) & 31);
  }
  return bits === 0 ? text : text + alphabet.charAt((value << (5 - bits)) & 31);
}

/** What an authenticator app reads from a QR code. */
export function otpauthUri(secret: Buffer, email: string): string {
  const issuer = 'Fairlead';
  const params = new URLSearchParams({ secret: base32(secret), issuer, algorithm: 'SHA1', digits: '6', period: String(stepSeconds) });
  return `otpauth://totp/${issuer}:${encodeURIComponent(email)}?${params.toString()}`;
}

/** What was typed as a second factor: a code of an app, or a recovery code in the form that it is stored in. */
export type TypedCode = { readonly kind: 'totp'; readonly code: string } | { readonly kind: 'recovery'; readonly code: string };

/** Reads what was typed: spaces and hyphens are for the eye alone. */
export function readCode(typed: string): TypedCode {
  const code = typed.replaceAll(/[\s-]/g, '').toUpperCase();
  return { kind: isCode(code) ? 'totp' : 'recovery', code };
}

/** A recovery code of random bytes, in groups of four characters for the eye. */
export function recoveryCode(bytes: Buffer): string {
  return (base32(bytes).match(/.{1,4}/g) ?? []).join('-');
}
