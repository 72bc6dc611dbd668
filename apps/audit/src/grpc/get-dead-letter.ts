import { z } from 'zod';
import type { auditV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { findDeadLetter, type DeadLetterDeps } from '../dead-letters.js';
import { letterMessage, sequenceInput } from './dead-letters.js';
import { parseInput } from './input.js';

const requestSchema = z.object({ sequence: sequenceInput });

/** One dead letter. Throws `dead_letter_not_found`, `dead_letter_settled` when it was replayed or discarded, `unavailable`. */
export const getDeadLetter = (deps: DeadLetterDeps): Rpc<auditV1.GetDeadLetterRequest, auditV1.GetDeadLetterResponse> =>
  rpc('deadletter.read', async (request) => {
    const { letter } = await findDeadLetter(deps, parseInput(requestSchema, request).sequence);
    return { letter: letterMessage(letter) };
  });
