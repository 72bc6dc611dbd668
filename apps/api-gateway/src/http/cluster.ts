import { Controller, Get, Inject } from '@nestjs/common';
import { z } from 'zod';
import { controlPlaneServices, serviceKinds, type fleetV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, time } from '../edge/answers.js';
import { asCaller, fleetClient, orNull, type FleetClient } from '../edge/clients.js';

const age = z
  .int()
  .nullable()
  .meta({ description: 'How old that is, in milliseconds; null when nobody knows, as of a time that was told by a clock that is ahead.' });
const reasonSchema = z
  .object({
    code: z.enum([
      'shard_without_ready_endpoint',
      'endpoint_not_ready',
      'endpoint_flapping',
      'endpoint_crash_looping',
      'service_not_ready',
      'service_degraded',
      'fleet_not_observed',
      'fleet_observation_old',
    ]),
    severity: z.enum(['critical', 'warning']),
    subject: z.string().meta({ description: 'A shard as <kind>/<shard>, an endpoint as <kind>.<shard>.<endpoint>, or a service.' }),
    detail: z.string(),
    at: time.nullable(),
    age_ms: age,
  })
  .meta({ id: 'ClusterHealthReason' });
const healthSchema = z
  .object({
    state: z.enum(['healthy', 'degraded', 'unhealthy']),
    at: time,
    reasons: z.array(reasonSchema),
    more_reasons: z.int().meta({ description: 'How many reasons there are beyond those that are told.' }),
    shards: z
      .object({ total: z.int(), without_ready_endpoint: z.int() })
      .meta({ description: 'Of all that are registered; while placement can not be asked, of those that have endpoints.' }),
    endpoints: z.object({ total: z.int(), ready: z.int(), unsteady: z.int(), taken_at: time.nullable(), age_ms: age }),
    services: z
      .array(
        z.object({
          service: z.enum(controlPlaneServices),
          status: z.enum(['ready', 'degraded', 'unavailable', 'unreachable']),
          problem: z.string().nullable(),
          at: time,
          age_ms: age,
        }),
      )
      .meta({ description: 'Of the services that CONTROL_PLANE_URLS names.' }),
  })
  .meta({ id: 'ClusterHealth' });
const pillarSchema = z
  .object({
    pillar: z.enum(['cpu', 'memory', 'request_rate', 'error_rate', 'latency_p99']),
    value: z.number().nullable().meta({ description: 'null when nothing was measured, or when that could not be asked.' }),
    unit: z.string(),
    query: z.string().meta({ description: 'PromQL; with the time `at` it answers the value.' }),
    at: time,
  })
  .meta({ id: 'ClusterPillar' });
const statsSchema = z
  .object({
    at: time,
    source: z.object({ available: z.boolean(), url: z.string().nullable(), problem: z.string().nullable() }),
    kinds: z.array(z.object({ kind: z.enum(serviceKinds), pillars: z.array(pillarSchema) })),
    services: z.array(z.object({ service: z.enum(controlPlaneServices), pillars: z.array(pillarSchema) })),
  })
  .meta({ id: 'ClusterStats' });

type Health = z.output<typeof healthSchema>;

/** Clocks of replicas that are kept by NTP differ by less. */
const toleratedSkewMs = 1_000;

@Controller('platform/v1/cluster')
export class ClusterController {
  constructor(@Inject(fleetClient) private readonly fleet: FleetClient) {}

  /** In one word, with all that speaks against `healthy`: by what was seen last, with the age of each. */
  @Get('health')
  @RequirePermission('fleet.read')
  @Answers('Tells how the whole platform is, and why.', healthSchema)
  async health(): Promise<Health> {
    const health = await this.fleet.getClusterHealth({}, asCaller());
    const ageOf = (at: string) => {
      const ageMs = at === '' ? -Infinity : Date.parse(health.at) - Date.parse(at);
      return ageMs < -toleratedSkewMs ? null : Math.max(0, ageMs);
    };
    return {
      state: health.state as Health['state'],
      at: health.at,
      reasons: health.reasons.map((reason) => ({
        code: reason.code as Health['reasons'][number]['code'],
        severity: reason.severity as Health['reasons'][number]['severity'],
        subject: reason.subject,
        detail: reason.detail,
        at: orNull(reason.at),
        age_ms: ageOf(reason.at),
      })),
      more_reasons: health.moreReasons,
      shards: { total: health.shards, without_ready_endpoint: health.shardsWithoutReadyEndpoint },
      endpoints: {
        total: health.endpoints,
        ready: health.endpointsReady,
        unsteady: health.endpointsUnsteady,
        taken_at: orNull(health.endpointsTakenAt),
        age_ms: ageOf(health.endpointsTakenAt),
      },
      services: health.services.map(({ service, status, problem, at }) => ({
        service: service as Health['services'][number]['service'],
        status: status as Health['services'][number]['status'],
        problem: orNull(problem),
        at,
        age_ms: ageOf(at),
      })),
    };
  }

  /** From VictoriaMetrics, as of a moment whose samples are all in. What is not known is null, and `source` says why when it could not be asked. */
  @Get('stats')
  @RequirePermission('fleet.read')
  @Answers('Tells what is measured of each kind of managed service, and of the services of the control plane.', statsSchema)
  async stats() {
    const { at, available, url, problem, pillars } = await this.fleet.getClusterStats({}, asCaller());
    const of = (scope: string, name: string) => pillars.filter((one) => one.scope === scope && one.name === name).map(pillarView(at));
    return {
      at,
      source: { available, url: orNull(url), problem: orNull(problem) },
      kinds: serviceKinds.map((kind) => ({ kind, pillars: of('kind', kind) })),
      services: controlPlaneServices.map((service) => ({ service, pillars: of('service', service) })),
    };
  }
}

const pillarView =
  (at: string) =>
  ({ pillar, value, unit, query }: fleetV1.Pillar): z.output<typeof pillarSchema> => {
    return { pillar: pillar as z.output<typeof pillarSchema>['pillar'], value: value ?? null, unit, query, at };
  };
