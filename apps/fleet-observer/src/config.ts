import { z } from 'zod';
import { field } from '@fairlead/config';
import { controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { defaultAllowedCidrs, isCidrList } from '@fairlead/outbound';
import { baseConfig, databaseConfig, grpcConfig, natsConfig } from '@fairlead/service-runtime';

/** Which service of ours is where. */
export interface ServiceUrl {
  readonly service: ControlPlaneService;
  readonly url: string;
}

const serviceUrls = () =>
  z.string().transform((text, context): ServiceUrl[] =>
    text.split(',').flatMap((part) => {
      const [name = '', url = ''] = part.trim().split(/=(.*)/s);
      const service = controlPlaneServices.find((known) => known === name);
      if (service !== undefined && field.url('http', 'https').safeParse(url).success) return [{ service, url: url.replace(/\/$/, '') }];
      context.addIssue({ code: 'custom', message: 'not a list of <service>=<url> with commas between' });
      return [];
    }),
  );

export const configSchema = z.object({
  ...baseConfig,
  ...grpcConfig,
  ...databaseConfig,
  ...natsConfig,
  PLACEMENT_GRPC: field.address(),
  /** Where the services answer HTTP, as `<service>=<url>` with commas between: asked for their readiness. */
  CONTROL_PLANE_URLS: serviceUrls().optional(),
  /** Asked for what was measured; any server that answers Prometheus' query API. */
  VICTORIA_METRICS_URL: field.url('http', 'https').optional(),
  /** Presented to it as a bearer token. */
  VICTORIA_METRICS_TOKEN: field.text().optional(),
  /** For so long after a moment its samples may still come in there: what is younger is not asked. */
  VICTORIA_METRICS_SETTLE_MS: field.integer({ min: 0, max: 600_000 }).default(30_000),
  /** How long all questions of one answer may take together. */
  VICTORIA_METRICS_TIMEOUT_MS: field.durationMs(60_000).default(3_000),
  /** Where managed services may be. */
  FLEET_ALLOWED_CIDRS: field.text().refine(isCidrList, 'not a comma-separated list of CIDR blocks').default(defaultAllowedCidrs),
  /** How often every endpoint's health and readiness are asked. */
  FLEET_INTERVAL_MS: field.durationMs(3_600_000).default(10_000),
  /** How often every endpoint's metrics are read, as a multiple of the former. */
  FLEET_METRICS_INTERVAL_MS: field.durationMs(3_600_000).default(30_000),
  FLEET_PROBE_TIMEOUT_MS: field.durationMs(60_000).default(2_000),
  /** Endpoints that are probed at the same time. */
  FLEET_PROBE_CONCURRENCY: field.integer({ min: 1, max: 1_000 }).default(256),
  /** So many changes of state in a short time are flapping, and half of them are forgotten after so long. */
  FLEET_FLAPPING_CHANGES: field.integer({ min: 3, max: 1_000 }).default(6),
  FLEET_FLAPPING_HALF_LIFE_MS: field.durationMs(3_600_000).default(120_000),
  /** So many restarts within so long are a crash loop. */
  FLEET_CRASH_LOOP_RESTARTS: field.integer({ min: 2, max: 20 }).default(3),
  FLEET_CRASH_LOOP_WINDOW_MS: field.durationMs(86_400_000).default(600_000),
  /** How much of what happened to an endpoint is kept. */
  FLEET_HISTORY_PER_ENDPOINT: field.integer({ min: 1, max: 10_000 }).default(200),
  FLEET_HISTORY_DAYS: field.integer({ min: 1, max: 3_650 }).default(30),
});

export type FleetObserverConfig = z.output<typeof configSchema>;
