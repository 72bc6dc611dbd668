import { FairleadError, describeError, type ErrorKind } from '@fairlead/contracts';
import type { Outcome } from '../domain/machine.js';

/** Kinds that a repeat may cure: nothing is known to be wrong with the request itself. */
const passing: ReadonlySet<ErrorKind> = new Set(['unavailable', 'deadline_exceeded', 'rate_limited', 'internal']);

/** What a thrown error means for the step: a definite refusal fails it, anything else is tried again. */
export function outcomeOfError(error: unknown): Outcome {
  const code = error instanceof FairleadError ? error.code : 'internal';
  const failure = { code, message: toldOf(error) };
  const definite = error instanceof FairleadError && !passing.has(error.kind);
  return definite ? { outcome: 'failed', error: failure } : { outcome: 'retry', error: failure };
}

/** An error of ours is told without its cause, which may name addresses and what a library says of them: the log has it. */
export function toldOf(error: unknown): string {
  return error instanceof FairleadError ? error.message : describeError(error);
}

/** What a step may leave for later ones, in bytes of JSON: it has to fit into an event. */
const maxOutputBytes = 192 * 1024;

/**
 * An outcome that can be written: what comes from outside may hold NUL or half a surrogate pair, which jsonb refuses. An output that
 * is too large fails the step: it would be as large the next time.
 */
export function storable(outcome: Outcome): Outcome {
  if (outcome.outcome === 'done' && outcome.output === undefined) return outcome;
  const written = JSON.parse(JSON.stringify(outcome), (_key, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('\u0000', '').toWellFormed() : value,
  ) as Outcome;
  const output = 'output' in written ? written.output : undefined;
  if (output !== undefined && Buffer.byteLength(JSON.stringify(output)) > maxOutputBytes)
    return { outcome: 'failed', error: { code: 'too_large', message: `the step’s output is larger than ${String(maxOutputBytes)} bytes` } };
  return written;
}
