import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, text } from './fields.js';

const letter = z.strictObject({ sequence: count, consumer: text });
const requested = letter.extend({
  original: z.strictObject({ stream: text, subject: text, sequence: count }),
  replays: count,
  error: text,
});
const refused = letter.extend({ code: text });

/** Messages that a consumer gave up on, and what an operator had done with them. */
export const deadLetterEvents = {
  permission: 'deadletter.read',
  types: {
    dead_letter_replay_requested: eventType(requested),
    dead_letter_replayed: eventType(letter),
    dead_letter_replay_failed: eventType(refused),
    dead_letter_discard_requested: eventType(requested),
    dead_letter_discarded: eventType(letter),
    dead_letter_discard_failed: eventType(refused),
  },
} as const satisfies AggregateEvents;
