import { Controller, Get, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import type { fleetV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { asCaller, fleetClient, orNull, type FleetClient } from '../edge/clients.js';

const snapshotQuery = z.strictObject({
  max_age_ms: z
    .string()
    .regex(/^\d{1,9}$/, 'must be a number of milliseconds')
    .transform(Number)
    .default(0),
});

@Controller('admin/v1/fleet')
export class FleetController {
  constructor(@Inject(fleetClient) private readonly fleet: FleetClient) {}

  /** The last snapshot of every endpoint; taken anew when it is older than `max_age_ms`. */
  @Get('snapshot')
  @RequirePermission('fleet.read')
  async snapshot(@Query({ schema: snapshotQuery }) { max_age_ms }: z.output<typeof snapshotQuery>) {
    const { endpoints, takenAt, unreachable } = await this.fleet.getSnapshot({ maxAgeMs: max_age_ms }, asCaller());
    return { taken_at: orNull(takenAt), unreachable, endpoints: endpoints.map(endpointView) };
  }

  /** What every gateway of the managed platform has applied, asked just now. */
  @Get('applied-placement')
  @RequirePermission('fleet.read')
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
    kind: endpoint.kind,
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
  };
}
