/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The most a record's details take, as JSON in UTF-8. */
export const maxDetailsBytes = 8_192;

/** Deeper values are cut: a message that carries them may nest only so far. */
const maxDepth = 8;

/** Longest text in code points, most entries of a list or object. */
interface Cut {
  readonly text: number;
  readonly entries: number;
}

/** Tried in turn until the details fit. */
const cuts: readonly Cut[] = [
  { text: 2_000, entries: 200 },
  { text: 500, entries: 50 },
  { text: 100, entries: 10 },
  { text: 40, entries: 4 },
];
const noCut: Cut = { text: Infinity, entries: Infinity };

/** The key that tells a reader that something is missing; it holds the payload's full size in bytes. */
export const cutMarker = 'cut_from_bytes';

/**
 * Cuts an event's payload to what a record keeps: the same when it fits and nests no deeper
 * than eight levels, else with long texts and deep values shortened to `…`, lists and objects limited, and, when
 * it was too long, `cut_from_bytes` added.
 */
export function boundedDetails(payload: Readonly<Record<string, unknown>>): Readonly<Record<string, Json>> {
  const sizeBytes = jsonBytes(payload);
  const whole = cutObject(payload, noCut, 1);
  if (sizeBytes <= maxDetailsBytes) return whole;
  for (const cut of cuts) {
    const shortened = { ...cutObject(payload, cut, 1), [cutMarker]: sizeBytes };
    if (jsonBytes(shortened) <= maxDetailsBytes) return shortened;
  }
  return { [cutMarker]: sizeBytes };
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function cutValue(value: unknown, cut: Cut, depth: number): Json {
  if (typeof value === 'string') return cutText(value, cut.text);
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value !== 'object' || depth > maxDepth) return '…';
  if (Array.isArray(value)) return value.slice(0, cut.entries).map((entry) => cutValue(entry, cut, depth + 1));
  return cutObject(value as Readonly<Record<string, unknown>>, cut, depth);
}

function cutObject(value: Readonly<Record<string, unknown>>, cut: Cut, depth: number): Record<string, Json> {
  const entries = Object.entries(value).slice(0, cut.entries);
  return Object.fromEntries(entries.map(([key, entry]) => [cutText(key, cut.text), cutValue(entry, cut, depth + 1)]));
}

/** Shortens a text to so many code points and `…`; between code points, as Postgres stores no half surrogate pair. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const points = Array.from(text.slice(0, 2 * maxLength));
  return points.length <= maxLength && text.length <= 2 * maxLength ? text : `${points.slice(0, maxLength).join('')}…`;
}
