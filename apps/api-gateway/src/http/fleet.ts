import { Controller, Get, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { serviceKinds, type fleetV1, type ServiceKind } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, integer, time } from '../edge/answers.js';
import { asCaller, fleetClient, orNull, type FleetClient } from '../edge/clients.js';

const snapshotQuery = z.strictObject({
  max_age_ms: z
    .string()
    .regex(/^\d{1,9}$/, 'must be a number of milliseconds')
    .transform(Number)
    .default(0)
    .meta({ ...integer, maximum: 999_999_999 }),
});

const endpointHealth = z
  .object({
    kind: z.enum(serviceKinds),
    shard_id: z.string(),
    endpoint_id: z.string(),
    url: z.string(),
    reachable: z.boolean(),
    healthy: z.boolean(),
    ready: z.boolean(),
    version: z.string().nullable(),
    git_sha: z.string().nullable(),
    inflight: z.number(),
    lag: z.number(),
    taken_at: time.nullable(),
    problem: z.string().nullable(),
    latency_ms: z.number(),
    metrics_taken_at: time
      .nullable()
      .meta({ description: 'When its metrics were last read: how old version, git_sha, inflight, lag and started_at are.' }),
    started_at: time.nullable().meta({ description: 'When its process began, as its metrics say.' }),
    condition: z.enum(['steady', 'flapping', 'crash_looping']),
  })
  .meta({ id: 'EndpointHealth' });
const snapshotSchema = z
  .object({ taken_at: time.nullable(), unreachable: z.int(), endpoints: z.array(endpointHealth) })
  .meta({ id: 'FleetSnapshot' });
const appliedSchema = z
  .object({
    shard_id: z.string(),
    endpoint_id: z.string(),
    alive: z.boolean(),
    epoch: z.int(),
    revision: z.int(),
    problem: z.string().nullable(),
  })
  .meta({ id: 'AppliedPlacement' });

@Controller('admin/v1/fleet')
export class FleetController {
  constructor(@Inject(fleetClient) private readonly fleet: FleetClient) {}

  /** The last snapshot of every endpoint; taken anew when it is older than `max_age_ms`. */
  @Get('snapshot')
  @RequirePermission('fleet.read')
  @Answers('Tells the health of every endpoint, as it was seen last.', snapshotSchema)
  async snapshot(@Query({ schema: snapshotQuery }) { max_age_ms }: z.output<typeof snapshotQuery>) {
    const { endpoints, takenAt, unreachable } = await this.fleet.getSnapshot({ maxAgeMs: max_age_ms }, asCaller());
    return { taken_at: orNull(takenAt), unreachable, endpoints: endpoints.map(endpointView) };
  }

  /** What every gateway of the managed platform has applied, asked just now. */
  @Get('applied-placement')
  @RequirePermission('fleet.read')
  @Answers('Asks every gateway of the managed platform what placement it has applied.', z.object({ gateways: z.array(appliedSchema) }))
  async appliedPlacement() {
    const { gateways } = await this.fleet.getAppliedPlacement({}, asCaller());
    return { gateways: gateways.map(appliedView) };
  }
}

function appliedView(gateway: fleetV1.GatewayPlacement) {
  return {
    shard_id: gateway.shardId,
    endpoint_id: gateway.endpointId,
    alive: gateway.alive,
    epoch: gateway.epoch,
    revision: gateway.revision,
    problem: orNull(gateway.problem),
  };
}

function endpointView(endpoint: fleetV1.EndpointHealth) {
  return {
    kind: endpoint.kind as ServiceKind,
    shard_id: endpoint.shardId,
    endpoint_id: endpoint.endpointId,
    url: endpoint.url,
    reachable: endpoint.reachable,
    healthy: endpoint.healthy,
    ready: endpoint.ready,
    version: orNull(endpoint.version),
    git_sha: orNull(endpoint.gitSha),
    inflight: endpoint.inflight,
    lag: endpoint.lag,
    taken_at: orNull(endpoint.takenAt),
    problem: orNull(endpoint.problem),
    latency_ms: endpoint.latencyMs,
    metrics_taken_at: orNull(endpoint.metricsTakenAt),
    started_at: orNull(endpoint.startedAt),
    // An observer of an earlier release tells none.
    condition: (endpoint.condition === '' ? 'steady' : endpoint.condition) as 'steady' | 'flapping' | 'crash_looping',
  };
}
