import { z } from 'zod';
import { OutboundError, parseUrl, type Outbound } from '@fairlead/outbound';

/** Answers PromQL queries; the address is a setting's. */
export interface MetricsSource {
  /** The address as it may be shown; empty when none is set. */
  readonly url: string;
  /**
   * The one number that a query answers as of a moment, undefined when it answers none. Throws an Error, with a message that holds no
   * address, when the server can't be asked, does not answer in time, or refuses the query.
   */
  number(query: string, atSeconds: number, timeoutMs: number): Promise<number | undefined>;
}

const maxResponseBytes = 262_144;
const longestReason = 300;

const answerSchema = z.object({
  status: z.literal('success'),
  data: z.object({
    resultType: z.literal('vector'),
    result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })),
  }),
});
const refusalSchema = z.object({ error: z.string() });

/** A setting names the server, so it may be wherever it is: not only where managed services may be. */
export const anywhere = { judge: parseUrl, permits: () => true };

/** A server that answers Prometheus' query API, such as VictoriaMetrics. */
export function metricsSource(options: {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly outbound: Outbound;
}): MetricsSource {
  const base = baseOf(options.url);
  return {
    url: base ?? '',
    number: async (query, atSeconds, timeoutMs) => {
      if (base === undefined) throw new Error('VICTORIA_METRICS_URL is not set');
      const parameters = new URLSearchParams({ query, time: String(atSeconds) }).toString();
      const response = await options.outbound
        .request({
          method: 'GET',
          url: `${base}/api/v1/query?${parameters}`,
          headers: options.token === undefined ? {} : { authorization: `Bearer ${options.token}` },
          timeoutMs,
          maxResponseBytes,
        })
        .catch((error: unknown) => {
          throw new Error(error instanceof OutboundError ? error.message : 'it failed');
        });
      return numberIn(response.status, response.body);
    },
  };
}

/** Whatever a URL holds besides the address is nothing to be shown, or sent. */
function baseOf(url: string | undefined): string | undefined {
  if (url === undefined) return undefined;
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/$/, '')}`;
}

function numberIn(status: number, body: Buffer): number | undefined {
  const text = body.toString('utf8');
  const answer = answerSchema.safeParse(jsonOf(text));
  if (answer.success) {
    const value = Number(answer.data.data.result[0]?.value[1] ?? NaN);
    return Number.isFinite(value) ? value : undefined;
  }
  const refusal = refusalSchema.safeParse(jsonOf(text));
  if (refusal.success) throw new Error(`it refused the query: ${refusal.data.error.slice(0, longestReason)}`);
  throw new Error(status === 200 ? 'what answers there does not speak the query API' : `it answered with status ${String(status)}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
