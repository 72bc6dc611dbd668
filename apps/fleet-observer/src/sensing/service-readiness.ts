import { z } from 'zod';
import { OutboundError, type Outbound } from '@fairlead/outbound';
import type { ServiceUrl } from '../config.js';
import type { ServiceState } from '../domain/cluster-health.js';

const timeoutMs = 3_000;
const maxResponseBytes = 65_536;
const longestProblem = 300;

const readySchema = z.object({
  service: z.string(),
  status: z.enum(['ready', 'degraded', 'unavailable']),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), problem: z.string().optional() })),
});

/** Asks each of the services whether it is ready, all at once. Never throws: one that does not answer is told as such. */
export function serviceReadiness(outbound: Outbound, services: readonly ServiceUrl[]): Promise<ServiceState[]> {
  return Promise.all(
    services.map(async ({ service, url }) => {
      const at = new Date().toISOString();
      try {
        const { body } = await outbound.request({ method: 'GET', url: `${url}/ready`, timeoutMs, maxResponseBytes });
        const answer = readySchema.safeParse(jsonOf(body));
        if (!answer.success || answer.data.service !== service)
          return { service, at, status: 'unreachable' as const, problem: 'another program answers there' };
        return { service, at, status: answer.data.status, problem: problemsOf(answer.data) };
      } catch (error) {
        return { service, at, status: 'unreachable' as const, problem: error instanceof OutboundError ? error.message : 'it failed' };
      }
    }),
  );
}

function problemsOf({ checks }: z.output<typeof readySchema>): string {
  const failed = Object.entries(checks).filter(([, { ok }]) => !ok);
  return failed
    .map(([name, { problem }]) => `${name}: ${problem ?? 'failed'}`)
    .join(', ')
    .slice(0, longestProblem);
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
