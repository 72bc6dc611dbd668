import { hash } from 'node:crypto';

/** 32-bit FNV-1a over the UTF-8 bytes: spreads ids over a fixed number of chunks, the same in every language. */
export function fnv1a(text: string): number {
  let sum = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // Ids are ASCII; anything else takes the slow way.
    if (code > 0x7f) return fnv1aOfBytes(Buffer.from(text, 'utf8'));
    sum = Math.imul(sum ^ code, 0x01000193);
  }
  return sum >>> 0;
}

function fnv1aOfBytes(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193);
  return sum >>> 0;
}

/** The first 16 hex digits of a value's SHA-256. */
export function shortSha256(value: Uint8Array | string): string {
  return hash('sha256', value, 'hex').slice(0, 16);
}
