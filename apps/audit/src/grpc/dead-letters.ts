import { z } from 'zod';
import type { auditV1 } from '@fairlead/contracts';
import type { DeadLetter } from '@fairlead/messaging';
import { boundedDetails } from '../domain/details.js';
import { objectOf } from '../domain/text.js';

export const sequenceInput = z.int().min(1, 'not a sequence of the dead-letter stream');
/** Which letter to settle, and why. */
export const settleInput = z.object({
  sequence: sequenceInput,
  reason: z.string().trim().min(1, 'required: say why').max(500, 'longer than 500 characters'),
});

/** A letter on the wire, its payload cut to a bounded size. */
export function letterMessage({ original, data, ...letter }: DeadLetter): auditV1.DeadLetter {
  return {
    ...letter,
    originalStream: original.stream,
    originalSubject: original.subject,
    originalSequence: original.sequence,
    payload: boundedDetails(objectOf(data)),
  };
}
