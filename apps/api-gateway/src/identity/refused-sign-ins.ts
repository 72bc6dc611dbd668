import { createHmac, randomBytes } from 'node:crypto';
import { FairleadError } from '@fairlead/contracts';
import type { Appender } from '@fairlead/event-log';
import { createRefusalBudget } from '../domain/refusal-budget.js';

/** A sign-in of somebody who is nobody here. */
export interface RefusedSignIn {
  readonly cause: 'unknown_user' | 'not_confirmed' | 'no_role';
  /** What they called themselves; it is stored nowhere, for people type their password there. */
  readonly name?: string;
  readonly address?: string;
  /** Where they signed in instead of here. */
  readonly issuer?: string;
}

export interface RefusedSignIns {
  /** Records a refusal, or counts it when too many are in this minute: the next that is recorded tells how many were not. */
  record(refused: RefusedSignIn): Promise<void>;
}

/** So many of a gateway in a minute. */
const limits = { limit: 60, windowMs: 60_000 };

/**
 * Records refusals of people who are nobody here. Of their name a keyed mark is told, by which attempts with the same name are known as such:
 * under IDENTITY_KEY, which is not in the database, or without one under a key of this process.
 */
export function createRefusedSignIns(
  appender: Appender,
  identityKey: Buffer | undefined,
  budget = createRefusalBudget(limits),
): RefusedSignIns {
  const key = createHmac('sha256', identityKey ?? randomBytes(32))
    .update('names of refused sign-ins')
    .digest();
  return {
    record: async ({ cause, name, address, issuer }) => {
      const told = budget.take(performance.now());
      if (told === undefined) return;
      const mark = name === undefined ? {} : { name_mark: createHmac('sha256', key).update(name).digest('hex').slice(0, 16) };
      const where = { ...(address === undefined ? {} : { address }), ...(issuer === undefined ? {} : { issuer }) };
      const payload = { cause, ...mark, ...where, ...(told.unrecorded === 0 ? {} : { unrecorded: told.unrecorded }) };
      const about = { aggregateType: 'user', aggregateId: 'unknown', meta: { principal: 'anonymous' } } as const;
      const outcome = await appender.append({ events: [{ ...about, type: 'sign_in_refused', payload }] });
      if (outcome.status !== 'ok') throw new FairleadError('version_conflict', 'The sign-in could not be recorded');
    },
  };
}
