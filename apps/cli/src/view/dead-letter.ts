import type { DeadLetter } from '../api.js';
import { fields, table } from './table.js';

/** Of an error's first line, so many characters fit a table. */
const errorWidth = 80;

/** A page of dead letters, oldest first. */
export function renderDeadLetters(letters: readonly DeadLetter[]): string {
  return table(
    ['sequence', 'consumer', 'failed', 'subject', 'position', 'deliveries', 'replays', 'error'],
    letters.map((letter) => [
      letter.sequence,
      letter.consumer,
      letter.failed_at,
      letter.original?.subject,
      letter.original?.sequence,
      letter.deliveries,
      letter.replays,
      letter.error?.slice(0, errorWidth),
    ]),
  );
}

/** One dead letter with its payload. */
export function renderDeadLetter(letter: DeadLetter): string {
  return fields([
    ['sequence', letter.sequence],
    ['id', letter.dead_letter_id],
    ['consumer', letter.consumer],
    ['stream', letter.original?.stream],
    ['subject', letter.original?.subject],
    ['position', letter.original?.sequence],
    ['deliveries', letter.deliveries],
    ['replays', letter.replays],
    ['failed', letter.failed_at],
    ['error', letter.error],
    ['payload', letter.payload],
  ]);
}
