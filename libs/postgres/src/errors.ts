/** What an error from Postgres says, also one that others have wrapped. */
import { FairleadError } from '@fairlead/contracts';

/** SQLSTATE class 08, admin shutdowns, no room for a connection, and Node's errors of sockets and names: the statement's outcome may be unknown. */
const connectionErrorCodes = new Set([
  ...['57P01', '57P02', '57P03', '25P03', '25P04', '53300'],
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
]);
/** TypeORM answers the last of them to a commit when the connection was lost after the transaction's last statement. */
const connectionErrorTexts =
  /Connection terminated|connection timeout|Client has encountered a connection error|timeout exceeded when trying to connect|timeout expired|Query runner already released/i;

/** Why Node, or the driver, makes no TLS connection: the server offers none, or is not whom its CA and the URL say. */
const untrustedCode =
  /^(ERR_TLS_CERT_ALTNAME_INVALID|ERR_SSL_.+|CERT_.+|.*SELF_SIGNED.+|UNABLE_TO_.+|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)$/;
const untrustedText = /does not support SSL connections|error establishing an SSL connection/;

/** True when an error means that no connection was made because there is no TLS that can be trusted. */
export function isUntrusted(error: unknown): boolean {
  return causesOf(error).some(({ code, message }) => untrustedCode.test(code) || untrustedText.test(message));
}

/** True when an error means the connection is gone, not that the statement was refused. */
export function isConnectionError(error: unknown): boolean {
  return (
    causesOf(error).some(({ code, message }) => {
      return connectionErrorCodes.has(code) || code.startsWith('08') || connectionErrorTexts.test(message);
    }) || isUntrusted(error)
  );
}

/** The SQLSTATE of an error from Postgres, or undefined. */
export function sqlState(error: unknown): string | undefined {
  return causesOf(error).find(({ code }) => /^[0-9A-Z]{5}$/.test(code))?.code;
}

/** A lost connection is `unavailable` to whoever asked: a repeat may help. Other errors stay as they are. */
export function unavailableWhenLost(error: unknown): unknown {
  if (error instanceof FairleadError || !isConnectionError(error)) return error;
  return new FairleadError('unavailable', 'The connection to Postgres was lost', { cause: error });
}

interface ErrorLike {
  message?: unknown;
  code?: unknown;
  cause?: unknown;
  driverError?: unknown;
}

/** An error and what caused it, each with its code. Not by instanceof: Node's own errors are of another realm where tests run. */
function causesOf(error: unknown): { code: string; message: string }[] {
  const found: { code: string; message: string }[] = [];
  let current = error as ErrorLike | null | undefined;
  while (typeof current?.message === 'string' && found.length < 5) {
    found.push({ code: typeof current.code === 'string' ? current.code : '', message: current.message });
    current = (current.cause ?? current.driverError) as typeof current;
  }
  return found;
}
