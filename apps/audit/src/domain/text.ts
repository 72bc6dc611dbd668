import { cutText } from './details.js';

/** Longer ids are cut: an index entry has a limit, and an event beyond it must not stop a projection. */
export const maxIdChars = 200;

/** A text of at most so many characters, or null when the value is none. */
export function textOf(value: unknown, maxChars = maxIdChars): string | null {
  return typeof value === 'string' ? cutText(value, maxChars) : null;
}

/** An object as it is, any other JSON as the `value` of one. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return value === null || value === undefined ? {} : { value };
}
