import { describeError, FairleadError, type EventBody } from '@fairlead/contracts';
import type { Appender } from '@fairlead/event-log';
import type { DeadLetter, Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { readDeadLetterState } from './store/dead-letters.js';

export interface DeadLetterDeps {
  readonly sql: Sql;
  readonly messaging: Messaging;
  readonly appender: Appender;
  readonly logger: Logger;
}

interface Found {
  readonly letter: DeadLetter;
  /** Of its aggregate in the log. */
  readonly version: number;
}

/** Ways to settle a letter, with what has been done then. */
const ways = { replay: 'replayed', discard: 'discarded' } as const;
type Way = keyof typeof ways;

/**
 * A letter that waits for an operator. Throws `dead_letter_not_found`; `dead_letter_settled` when the log knows that it
 * was replayed or discarded; `unavailable` while NATS is away.
 */
export async function findDeadLetter({ sql, messaging }: DeadLetterDeps, sequence: number): Promise<Found> {
  const { id, letter } = await messaging.deadLetters.find(sequence);
  const { version, outcome } = await readDeadLetterState(sql, id);
  if (letter !== undefined) return { letter, version };
  if (outcome !== undefined) throw settled(sequence, outcome);
  // It aged out, or what was done to it is not in the log (yet).
  const gone = version > 0 ? ' any more; the audit trail tells what was asked for it' : '';
  throw new FairleadError('dead_letter_not_found', `There is no dead letter ${sequence}${gone}`);
}

/**
 * Replays or discards a letter: the request is in the log before anything is done, the outcome after. Answers the
 * letter as it was and the position of the outcome. When the process dies, or NATS goes, in between, the trail shows a
 * request without an outcome and the letter is either still listed, so that it can be settled again, or gone.
 *
 * Throws what findDeadLetter throws, `consumer_gone` when nobody would take a replay, and `version_conflict` to the
 * second of two operators at once; then nothing was done. What it throws after the request is in the log as well. One
 * who comes while another is at it may be let in too: two replays are one, and a message both replayed and discarded is
 * handled.
 */
export async function settleDeadLetter(
  deps: DeadLetterDeps,
  way: Way,
  { sequence, reason }: { sequence: number; reason: string },
): Promise<{ letter: DeadLetter; position: number }> {
  const { letter, version } = await findDeadLetter(deps, sequence);
  const append = (body: EventBody<'dead_letter'>, expectedVersion?: number) =>
    appendEvent(deps.appender, { letter, body, reason, expectedVersion });
  const { consumer, original, replays, error } = letter;
  await append({ type: `dead_letter_${way}_requested`, payload: { sequence, consumer, original, replays, error } }, version);
  try {
    if (!(await deps.messaging.deadLetters[way](sequence))) throw settled(sequence, 'settled by somebody else');
  } catch (error) {
    const code = error instanceof FairleadError ? error.code : 'internal';
    await append({ type: `dead_letter_${way}_failed`, payload: { sequence, consumer, code } }).catch((failure: unknown) => {
      deps.logger.error({ sequence, error: describeError(failure) }, 'that a dead letter could not be settled is not in the log');
    });
    throw error;
  }
  return { letter, position: await append({ type: `dead_letter_${ways[way]}`, payload: { sequence, consumer } }) };
}

async function appendEvent(
  appender: Appender,
  event: { letter: DeadLetter; body: EventBody<'dead_letter'>; reason: string; expectedVersion: number | undefined },
): Promise<number> {
  const { letter, body, reason, expectedVersion } = event;
  const outcome = await appender.append({
    events: [{ aggregateType: 'dead_letter', aggregateId: letter.id, expectedVersion, ...body, meta: { reason } }],
  });
  if (outcome.status === 'ok') return outcome.lastPosition;
  throw new FairleadError('version_conflict', `Somebody else is settling dead letter ${letter.sequence}; look again`);
}

function settled(sequence: number, how: string): FairleadError {
  return new FairleadError('dead_letter_settled', `Dead letter ${sequence} was already ${how}`);
}
