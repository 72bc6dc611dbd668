import { FairleadError } from '@fairlead/contracts';

/** Why a call brought no answer that can be used. */
export type OutboundProblem =
  'unreachable' | 'connection_lost' | 'timeout' | 'forbidden_address' | 'redirected' | 'response_too_large' | 'invalid_url';

const texts: Record<OutboundProblem, string> = {
  unreachable: 'it can not be reached',
  connection_lost: 'the connection was lost',
  timeout: 'it did not answer in time',
  forbidden_address: 'its address is not one that may be called',
  redirected: 'it answered with a redirect, which is never followed',
  response_too_large: 'its answer is too large',
  invalid_url: 'its URL is not an http or https URL without credentials',
};

/**
 * A call that brought no answer: code `deadline_exceeded` for a timeout, else `service_unreachable`. Whether the
 * request had an effect is not known. The message is one of a few fixed texts and holds no address.
 */
export class OutboundError extends FairleadError {
  readonly problem: OutboundProblem;

  constructor(problem: OutboundProblem, cause?: unknown) {
    super(problem === 'timeout' ? 'deadline_exceeded' : 'service_unreachable', texts[problem], { details: { problem }, cause });
    this.name = 'OutboundError';
    this.problem = problem;
  }
}

/** Undici's and Node's codes for a connection that ended under a request. */
const lostCodes = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Makes an OutboundError of whatever undici threw. */
export function outboundErrorOf(error: unknown): OutboundError {
  if (error instanceof OutboundError) return error;
  const codes = errorCodes(error);
  if (codes.includes('UND_ERR_CONNECT_TIMEOUT') || codes.includes('ETIMEDOUT')) return new OutboundError('timeout', error);
  if (codes.some((code) => lostCodes.has(code))) return new OutboundError('connection_lost', error);
  return new OutboundError('unreachable', error);
}

function errorCodes(error: unknown): string[] {
  const codes: string[] = [];
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth++) {
    const { code } = current as NodeJS.ErrnoException;
    if (typeof code === 'string') codes.push(code);
  }
  return codes;
}
