import { z } from 'zod';
import { text, url } from './fields.js';

/** Settings of whoever leaves spans, by OpenTelemetry's names. Without an endpoint there are none. */
export const tracingConfig = {
  /** Of the receiver; spans are posted to `/v1/traces` below it. */
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http', 'https').optional(),
  /** The whole address, instead. */
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url('http', 'https').optional(),
  /** Secret: headers of each post, such as an authorization, as `name=value,name=value` with percent-encoded values. */
  OTEL_EXPORTER_OTLP_HEADERS: text().transform(readHeaders).optional(),
  /** The part of the traces that begin here and are kept. */
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, 'not a number within 0 and 1')
    .transform(Number)
    .default(1),
};

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerValue = /^[\x20-\x7e]*$/;

/** Where spans go, from the settings: what libs/telemetry is told. */
export function spanTarget(config: z.output<z.ZodObject<typeof tracingConfig>>): {
  endpoint: string | undefined;
  headers: Readonly<Record<string, string>> | undefined;
  ratio: number;
} {
  const base = config.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/$/, '');
  return {
    endpoint: config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base === undefined ? undefined : `${base}/v1/traces`),
    headers: config.OTEL_EXPORTER_OTLP_HEADERS,
    ratio: config.OTEL_TRACES_SAMPLER_ARG,
  };
}

function readHeaders(list: string, context: z.RefinementCtx<string>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const pair of list.split(',')) {
    const [name = '', ...rest] = pair.split('=');
    const value = rest.length === 0 ? undefined : decoded(rest.join('=').trim());
    if (!headerName.test(name.trim()) || value === undefined || !headerValue.test(value)) {
      context.addIssue('not name=value pairs separated by commas');
      return z.NEVER;
    }
    headers[name.trim()] = value;
  }
  return headers;
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
