import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** A document as it is held: an object of JSON values. */
export type Content = Readonly<Record<string, unknown>>;

/** A document's canonical form (RFC 8785): the same text for the same content, whatever it was written as. */
export function canonicalForm(content: Content): string {
  const text = canonicalize(content);
  if (text === undefined) throw new Error('an object has a canonical form');
  return text;
}

/** The hash that a canonical form is kept by, in hex. */
export function sha256Of(canonical: string): string {
  return createHash('sha256').update(canonical).digest('hex');
}
