import { z } from 'zod';
import { FairleadError, namePattern, placedKinds, serviceKinds } from '@fairlead/contracts';

export const nameInput = z.string().regex(namePattern, 'up to 63 lower-case letters, digits and inner hyphens');
export const kindInput = z.enum(serviceKinds, `one of ${serviceKinds.join(', ')}`);
export const placedKindInput = z.enum(placedKinds, `one of ${placedKinds.join(', ')}`);
export const revisionInput = z.number().int('a whole number').nonnegative('not negative');

/** Parses a request; throws FairleadError('invalid_argument') that names each field at fault. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, request: unknown): z.output<Schema> {
  const result = schema.safeParse(request);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`);
  throw new FairleadError('invalid_argument', `The request is not valid: ${problems.slice(0, 5).join('; ')}`, {
    details: { problems: problems.slice(0, 20) },
  });
}
