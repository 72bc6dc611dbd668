import { pino, type DestinationStream, type Logger } from 'pino';
import { currentContext, spanIdOf, traceIdOf } from './context.js';

export type { Logger } from 'pino';

/** Paths whose values never reach a log line, at the top level and one level down. */
const secretKeys = ['authorization', 'cookie', 'password', 'token', 'secret', 'bearer', 'access_token', 'privateJwk', 'd'];

/**
 * Makes a service's JSON logger. Every line carries the service and the ids of the request it belongs to;
 * values under secret-looking keys are replaced.
 */
export function createLogger(options: { service: string; level?: string; destination?: DestinationStream }): Logger {
  return pino(
    {
      level: options.level ?? 'info',
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (error: unknown) => safeError(error) },
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `headers.${key}`, `*.headers.${key}`]), censor: '[redacted]' },
      mixin: contextFields,
    },
    options.destination ?? pino.destination({ fd: 1, sync: false }),
  );
}

/** The same logger for lines of fixed fields, none of which can hold a secret: to look for one in each line costs more than writing it. */
export function withoutRedaction(logger: Logger): Logger {
  return logger.child({}, { redact: [] });
}

function contextFields(): Record<string, string> {
  const context = currentContext();
  if (context === undefined) return {};
  const fields: Record<string, string> = {
    request_id: context.requestId,
    correlation_id: context.correlationId,
    trace_id: traceIdOf(context),
  };
  if (context.startsTrace !== true) fields['span_id'] = spanIdOf(context);
  if (context.tenantId !== undefined) fields['tenant_id'] = context.tenantId;
  if (context.jobId !== undefined) fields['job_id'] = context.jobId;
  if (context.step !== undefined) fields['step'] = context.step;
  if (context.principal !== undefined) fields['principal'] = context.principal;
  if (context.via !== undefined) fields['via'] = context.via;
  return fields;
}

/**
 * An error as it is logged: name, message, code, stack and causes. Other properties stay out, since drivers put
 * statements' parameters and requests' contents there.
 */
function safeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return String(error);
  const code: unknown = (error as { code?: unknown }).code;
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack: error.stack,
    ...(error.cause === undefined || depth >= 4 ? {} : { cause: safeError(error.cause, depth + 1) }),
  };
}
