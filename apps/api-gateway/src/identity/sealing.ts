import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** Keeps secrets that have to be read again, so that the database alone gives none away. */
export interface Sealer {
  /** Answers a secret sealed for one user: nonce, tag and cipher text. */
  seal(userId: string, secret: Buffer): Buffer;
  /** Answers the secret again; undefined for what was sealed for another user or with another key, or was changed. */
  open(userId: string, sealed: Buffer): Buffer | undefined;
}

/** Seals with one key of 32 bytes, AES-256-GCM. Nonces are random: users are far too few for two to be the same. */
export function createSealer(key: Buffer): Sealer {
  return {
    seal: (userId, secret) => {
      const nonce = randomBytes(nonceBytes);
      const sealing = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(userId));
      const text = Buffer.concat([sealing.update(secret), sealing.final()]);
      return Buffer.concat([nonce, sealing.getAuthTag(), text]);
    },
    open: (userId, sealed) => {
      try {
        const opening = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
          .setAAD(Buffer.from(userId))
          .setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
        return Buffer.concat([opening.update(sealed.subarray(nonceBytes + tagBytes)), opening.final()]);
      } catch {
        return undefined;
      }
    },
  };
}
