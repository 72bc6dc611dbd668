import { createHash, randomBytes } from 'node:crypto';

/** The form of a secret in a regular expression: 256 bits in base64url. */
export const secretPattern = '[A-Za-z0-9_-]{43}';

/** Makes a secret that nobody can guess; only its hash is stored. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of a secret. It is random, so that a fast hash without salt keeps it as safe as a slow one. */
export function hashOfSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
