import type { z } from 'zod';
import { FairleadError } from '@fairlead/contracts';

/** Parses a request; throws `invalid_argument` that names each field at fault. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, request: unknown): z.output<Schema> {
  const result = schema.safeParse(request);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new FairleadError('invalid_argument', problems.join('; '));
}
