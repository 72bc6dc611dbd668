import { describeError } from '@fairlead/contracts';
import { isConnectionError, sqlState } from '@fairlead/postgres';

/** An event that a projection can not apply. */
export class EventAtFault extends Error {
  constructor(
    readonly position: number,
    /** Of the projection. */
    readonly part: number,
    cause: unknown,
  ) {
    super(describeError(cause), { cause });
  }
}

/** Serialization failures, deadlocks, lock timeouts, cancelled statements, a full disk or memory. */
const passingStates = ['40001', '40P01', '55P03', '57014'];

/** Not the event's fault: a lost connection, or something that another try may not meet. */
export function isPassing(error: unknown): boolean {
  const state = sqlState(error) ?? '';
  return isConnectionError(error) || passingStates.includes(state) || state.startsWith('53');
}
