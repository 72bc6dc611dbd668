import type { auditV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { settleDeadLetter, type DeadLetterDeps } from '../dead-letters.js';
import { letterMessage, settleInput } from './dead-letters.js';
import { parseInput } from './input.js';

/** Hands a message once more to the consumer that gave up on it; see settleDeadLetter for what it throws. */
export const replayDeadLetter = (deps: DeadLetterDeps): Rpc<auditV1.ReplayDeadLetterRequest, auditV1.ReplayDeadLetterResponse> =>
  rpc('deadletter.manage', async (request) => {
    const { letter, position } = await settleDeadLetter(deps, 'replay', parseInput(settleInput, request));
    return { letter: letterMessage(letter), position };
  });
