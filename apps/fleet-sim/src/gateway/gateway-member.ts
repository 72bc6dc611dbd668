import { join } from 'node:path';
import { z } from 'zod';
import { describeError, namePattern, placedKinds } from '@fairlead/contracts';
import type { Logger, Tracing } from '@fairlead/telemetry';
import { Member, type Incarnation } from '../fleet/member.js';
import { serviceMetrics } from '../fleet/metrics.js';
import { parseInput, Problem, type HttpRequest, type Route } from '../http/server.js';
import { traced } from '../http/traced.js';
import type { PlacementFeed } from '../placement.js';
import { commandBody } from '../shard/routes.js';
import { AppliedConfig, gatewayConfig, type ConfigFeed } from './applied-config.js';
import { AppliedPlacement } from './applied-placement.js';
import { Router } from './router.js';

export interface GatewayMemberOptions {
  shardId: string;
  host: string;
  dir: string;
  /** Begins to follow placement, at each start anew: a gateway that was restarted knows what its disk holds and no more. */
  follow: () => FollowedPlacement;
  checkToken: (request: HttpRequest) => void;
  build: { version: string; gitSha: string };
  /** How many members the process has. */
  members: number;
  logger: Logger;
  tracing: Tracing;
}

/** Feeds of its own, and how to leave them. */
export interface FollowedPlacement {
  feed: PlacementFeed;
  /** Left out: it knows of no configuration. */
  config?: ConfigFeed;
  stop(): Promise<void>;
}

export interface GatewayMember {
  member: Member;
  /** The placement it routes by; undefined while it is down or knows none. */
  applied(): AppliedPlacement | undefined;
}

const commandParams = z.object({
  tenant: z.string().regex(namePattern, 'not a tenant id'),
  kind: z.enum(placedKinds, 'not a kind that tenants are placed on'),
});
const resolveQuery = z.object({ host: z.string().max(253), path: z.string().startsWith('/').max(2_048) });
const numberedCommand = z.object({ seq: z.int().min(1) });

/** Makes a gateway's member; nothing runs before its start. */
export function createGatewayMember(options: GatewayMemberOptions): GatewayMember {
  let placement: AppliedPlacement | undefined;
  const member = new Member({
    kind: 'gateway',
    shardId: options.shardId,
    host: options.host,
    logger: options.logger,
    async boot({ knobs }) {
      const followed = options.follow();
      const applied = await AppliedPlacement.open({
        feed: followed.feed,
        file: join(options.dir, 'placement.json'),
        lagMs: () => knobs.delayMs,
        onSaveError: (error) => {
          options.logger.error({ shard_id: options.shardId, error: describeError(error) }, 'the placement could not be saved');
        },
      }).catch(async (error: unknown) => {
        await followed.stop();
        throw error;
      });
      const config = await AppliedConfig.open({
        feed: followed.config ?? { current: () => undefined },
        follows: gatewayConfig,
        file: join(options.dir, 'config.json'),
        endpoint: `${options.shardId}/${options.shardId}-1`,
        onSaveError: (error) => {
          options.logger.error({ shard_id: options.shardId, error: describeError(error) }, 'the configuration could not be saved');
        },
      });
      placement = applied;
      return incarnate(options, { placement: applied, config, misroutes: () => knobs.misroutes }, followed);
    },
  });
  return { member, applied: () => (member.running ? placement : undefined) };
}

function incarnate(
  options: GatewayMemberOptions,
  { placement, config, misroutes }: { placement: AppliedPlacement; config: AppliedConfig; misroutes: () => boolean },
  followed: FollowedPlacement,
): Incarnation {
  const router = new Router({ placement });
  const metrics = serviceMetrics({
    kind: 'gateway',
    build: options.build,
    processSharedBy: options.members,
    read: () => ({ inflight: router.inflight, lag: placement.lag() }),
  });
  const adminState = () => ({
    kind: 'gateway',
    shard_id: options.shardId,
    epoch: placement.current()?.epoch ?? 0,
    revision: placement.current()?.revision ?? 0,
    inflight: router.inflight,
    parked: router.parked,
    config: config.state(),
  });
  const routes: Route[] = [
    {
      method: 'POST',
      path: '/tenants/:tenant/:kind/commands',
      handle: (request) =>
        router.route({
          ...parseInput(commandParams, request.params),
          seq: parseInput(numberedCommand, request.body).seq,
          closed: () => request.closed(),
        }),
    },
    { method: 'GET', path: '/admin/state', handle: () => ({ status: 200, body: adminState() }) },
    {
      method: 'GET',
      path: '/admin/resolve',
      handle: (request) => {
        const asked = parseInput(resolveQuery, Object.fromEntries(request.query));
        const found = misroutes() ? undefined : config.resolve(asked);
        if (found === undefined) throw new Problem(404, 'not_found', 'no route takes this request');
        return { status: 200, body: found };
      },
    },
    {
      method: 'POST',
      path: '/admin/reload',
      handle: (request) => {
        options.checkToken(request);
        parseInput(commandBody, request.body);
        placement.applyNewest();
        return { status: 200, body: adminState() };
      },
    },
  ];
  return {
    routes: metrics.measured(
      traced(routes, options.tracing, { 'fairlead.fleet.kind': 'gateway', 'fairlead.fleet.shard': options.shardId }),
    ),
    ready: () => placement.current() !== undefined,
    metrics: () => metrics.text(),
    knobsTurned: () => undefined,
    async stop() {
      await router.destroy();
      await placement.stop();
      await followed.stop();
    },
    async crash() {
      await router.destroy();
      await placement.crash();
      await followed.stop();
    },
  };
}
