import type { auditV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { settleDeadLetter, type DeadLetterDeps } from '../dead-letters.js';
import { letterMessage, settleInput } from './dead-letters.js';
import { parseInput } from './input.js';

/** Forgets a message that a consumer gave up on; see settleDeadLetter for what it throws. */
export const discardDeadLetter = (deps: DeadLetterDeps): Rpc<auditV1.DiscardDeadLetterRequest, auditV1.DiscardDeadLetterResponse> =>
  rpc('deadletter.manage', async (request) => {
    const { letter, position } = await settleDeadLetter(deps, 'discard', parseInput(settleInput, request));
    return { letter: letterMessage(letter), position };
  });
