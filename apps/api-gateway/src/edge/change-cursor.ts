import { parseCursor, type LogCursor } from '@fairlead/event-log';
import { invalidField } from '../domain/invalid.js';

/** Where to begin: undefined for `now`, and when nothing is given. Throws `invalid_argument` for what is no cursor. */
export function changeCursor(text: string | undefined, field = 'cursor'): LogCursor | undefined {
  return text === 'now' ? undefined : jobCursor(text, field, 'is neither a cursor that was handed out, nor a position, nor "now"');
}

/** A cursor of a job's stream; undefined when nothing is given. Throws `invalid_argument` for what is none. */
export function jobCursor(
  text: string | undefined,
  field = 'cursor',
  detail = 'is neither a cursor that was handed out, nor a position',
): LogCursor | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    return parseCursor(text);
  } catch {
    throw invalidField(field, detail);
  }
}
