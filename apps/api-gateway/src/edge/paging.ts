import { z } from 'zod';
import { integer } from './answers.js';
import { invalidField } from '../domain/invalid.js';

const [defaultLimit, maxLimit] = [50, 200];

/** Query fields of every list: `limit` (more than 200 means 200) and an opaque `cursor`. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be a number from 1')
    .transform((value) => Math.min(Number(value), maxLimit))
    .default(defaultLimit)
    .meta({ ...integer, minimum: 1, maximum: 999_999_999, description: '50 when left out; more than 200 means 200' }),
  cursor: z.string().max(512, 'is not a cursor of this list').optional(),
};

/** One page of a list. */
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** Makes a page; `next` is where the following one starts, empty or 0 at the end. */
export function pageOf<T>(list: string, items: T[], next: string | number): Page<T> {
  const last = next === '' || next === 0;
  return { items, next_cursor: last ? null : Buffer.from(`${list} ${next}`).toString('base64url') };
}

/** What a cursor of this list says about where to go on; undefined without one. Throws `invalid_argument` for any other. */
export function startOf(list: string, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const match = /^([a-z-]+) ([\w./:-]{1,255})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
  const [, name, start] = match ?? [];
  if (name !== list || start === undefined) throw invalidField('cursor', 'is not a cursor of this list');
  return start;
}

/** The same, for lists that go by number. */
export function startNumberOf(list: string, cursor: string | undefined): number | undefined {
  const start = startOf(list, cursor);
  if (start === undefined) return undefined;
  if (!/^\d{1,15}$/.test(start)) throw invalidField('cursor', 'is not a cursor of this list');
  return Number(start);
}
