import { join } from 'node:path';
import { describeError, type PlacedKind } from '@fairlead/contracts';
import type { Logger, Tracing } from '@fairlead/telemetry';
import type { LedgerSource } from '../checker/ledger-follower.js';
import type { Clock } from '../clock.js';
import { AppliedConfig, type ConfigFeed } from '../gateway/applied-config.js';
import { parseInput, type HttpRequest, type Route } from '../http/server.js';
import { traced } from '../http/traced.js';
import type { PlacementFeed } from '../placement.js';
import { definitionsRoute, runnerConfig } from '../shard/activations.js';
import type { Claims } from '../shard/claims.js';
import { commandBody, shardRoutes } from '../shard/routes.js';
import { Shard } from '../shard/shard.js';
import { shardLedgerDir, ShardState } from '../shard/state.js';
import { delayed, Member, type Incarnation, type Knobs } from './member.js';
import { serviceMetrics } from './metrics.js';

export interface ShardMemberOptions {
  kind: PlacedKind;
  shardId: string;
  host: string;
  dir: string;
  clock: Clock;
  claims: Claims;
  placement: PlacementFeed;
  /** Left out: it knows of no configuration. */
  config?: ConfigFeed | undefined;
  checkToken: (request: HttpRequest) => void;
  random: () => number;
  build: { version: string; gitSha: string };
  /** How many members the process has. */
  members: number;
  segmentBytes?: number | undefined;
  logger: Logger;
  tracing: Tracing;
}

/** A shard as a member of the fleet, with its ledger as a source for the checker. */
export interface ShardMember {
  member: Member;
  source: LedgerSource;
  /** Writes a snapshot and removes ledger segments the checker has accounted for, as far as `before`. */
  tidy(before: number): Promise<void>;
}

/** Makes a shard's member; nothing runs before its start. */
export function createShardMember(options: ShardMemberOptions): ShardMember {
  const { kind, shardId, dir, clock } = options;
  // After a crash the old state still tells how far its ledger may be read.
  let state: ShardState | undefined;
  const member = new Member({
    kind,
    shardId,
    host: options.host,
    logger: options.logger,
    async boot({ knobs, crashed }) {
      const opened = await ShardState.open({ kind, dir, clock, onFailure: crashed, segmentBytes: options.segmentBytes });
      state = opened;
      return incarnate(options, opened, kind === 'runner' ? await openConfig(options) : undefined, knobs);
    },
  });
  return {
    member,
    source: {
      name: `${kind}/${shardId}`,
      dir: shardLedgerDir(dir),
      extent: () => state?.extent() ?? { position: 0, throughUs: clock.nowUs() },
    },
    async tidy(before) {
      if (!member.running || state === undefined) return;
      await state.snapshot();
      await state.prune(before);
    },
  };
}

function openConfig({ shardId, dir, config, logger }: ShardMemberOptions): Promise<AppliedConfig> {
  return AppliedConfig.open({
    feed: config ?? { current: () => undefined },
    follows: runnerConfig,
    file: join(dir, 'config.json'),
    endpoint: `${shardId}/${shardId}-1`,
    onSaveError: (error) => {
      logger.error({ shard_id: shardId, error: describeError(error) }, 'the configuration could not be saved');
    },
  });
}

/** `config` is a runner's: which definitions it runs for whom. */
function incarnate(options: ShardMemberOptions, state: ShardState, config: AppliedConfig | undefined, knobs: Readonly<Knobs>): Incarnation {
  const { kind, shardId, claims, placement, random, logger, checkToken } = options;
  const shard = new Shard({ kind, shardId, state, claims, placement, stuck: () => knobs.stuck, random, logger });
  const metrics = serviceMetrics({ kind, build: options.build, processSharedBy: options.members, read: () => shard.totals() });
  const adminState = () => ({
    kind,
    shard_id: shardId,
    epoch: placement.current()?.epoch ?? 0,
    revision: placement.current()?.revision ?? 0,
    tenants: shard.totals().tenants,
    ...(config === undefined ? {} : { config: config.state() }),
  });
  const own: Route[] = [
    { method: 'GET', path: '/admin/state', handle: () => ({ status: 200, body: adminState() }) },
    {
      method: 'POST',
      path: '/admin/reload',
      handle: (request) => {
        checkToken(request);
        parseInput(commandBody, request.body);
        return { status: 200, body: adminState() };
      },
    },
    ...(config === undefined ? [] : [definitionsRoute(config)]),
    ...shardRoutes(shard, kind, checkToken),
  ];
  return {
    routes: metrics.measured(
      traced(
        delayed(own, () => knobs.delayMs),
        options.tracing,
        { 'fairlead.fleet.kind': kind, 'fairlead.fleet.shard': shardId },
      ),
    ),
    ready: () => true,
    metrics: () => metrics.text(),
    knobsTurned: () => {
      shard.endIdleDrains();
    },
    async stop() {
      shard.stop();
      await state.snapshot();
      await state.close();
    },
    async crash() {
      shard.stop();
      await state.crash();
    },
  };
}
