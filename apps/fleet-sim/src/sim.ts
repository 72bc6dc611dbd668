import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { spanTarget, writeFileAtomically } from '@fairlead/config';
import { describeError, placedKinds } from '@fairlead/contracts';
import { connectMessaging } from '@fairlead/messaging';
import { followPlacement, watchConfig } from '@fairlead/placement-map';
import { createLogger, createTracing, type Logger, type Tracing } from '@fairlead/telemetry';
import { tlsFilesOf, watchTls } from '@fairlead/tls';
import { startAccountant, type Accountant } from './checker/accountant.js';
import { senderSource } from './checker/checker.js';
import type { LedgerSource } from './checker/ledger-follower.js';
import { latestTimeUs } from './ledger/latest-time.js';
import { createClock, type Clock } from './clock.js';
import type { SimConfig } from './config.js';
import { controlRoutes } from './control/routes.js';
import type { Member } from './fleet/member.js';
import { takeFolder } from './fleet/folder-lock.js';
import { Ports } from './fleet/ports.js';
import { createShardMember, type ShardMember } from './fleet/shard-member.js';
import { gatewayConfig, type ConfigFeed } from './gateway/applied-config.js';
import { createGatewayMember, type FollowedPlacement, type GatewayMember } from './gateway/gateway-member.js';
import { HttpServer } from './http/server.js';
import { readEffects } from './ledger/effects.js';
import { startSender, type Sender } from './load/sender.js';
import { SenderState } from './load/streams.js';
import { PlacementBoard, type PlacementFeed } from './placement.js';
import { runnerConfig } from './shard/activations.js';
import { Claims } from './shard/claims.js';
import { tokenCheck } from './shard/routes.js';

/** A running simulated fleet. */
export interface Sim {
  /** The control server. */
  url: string;
  stop(): Promise<void>;
}

/** What a spec may put in the place of the real thing. */
export interface SimOverrides {
  /** Instead of watching KV and files: asked for a feed at each start of a gateway. */
  placement?: () => PlacementFeed;
  logger?: Logger;
  random?: () => number;
  /** How often snapshots are written and old ledger segments removed. */
  tidyEveryMs?: number;
  /** How much the ledgers may hold together before what was accounted for is removed. */
  evidenceBytes?: number;
  segmentBytes?: number;
}

const reportEveryMs = 1000;
const tidyEveryMs = 60_000;
const evidenceBytes = 128 * 1024 * 1024;

/**
 * Starts gateways, shards, load and checker; ready when it resolves. State of an earlier run in the same folder is taken up:
 * ports, tenants, open commands, counts.
 */
export async function createSim(config: SimConfig, overrides: SimOverrides = {}): Promise<Sim> {
  const logger = overrides.logger ?? createLogger({ service: 'fleet-sim', level: config.LOG_LEVEL });
  const stops: (() => Promise<void>)[] = [];
  // In reverse, each whatever became of the others.
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) {
      await stop().catch((error: unknown) => {
        logger.error({ error: describeError(error) }, 'a part could not be stopped');
      });
    }
  };
  try {
    const url = await assemble(config, overrides, logger, (stop) => stops.push(stop));
    return { url, stop: stopAll };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function assemble(
  config: SimConfig,
  overrides: SimOverrides,
  logger: Logger,
  onStop: (stop: () => Promise<void>) => void,
): Promise<string> {
  const dir = config.SIM_STATE_DIR;
  onStop(await takeFolder(dir));
  const readyFile = join(dir, 'sim.json');
  await rm(readyFile, { force: true });

  const tracing = createTracing({ service: 'fleet-sim', version: config.FAIRLEAD_VERSION, logger, ...spanTarget(config) });
  onStop(() => tracing.close());
  const clock = createClock(await latestTimeUs(dir));
  const ports = await Ports.open(config.SIM_PORTS_FILE ?? join(dir, 'ports.json'), config.SIM_PORT_BASE);
  const follow = overrides.placement === undefined ? await placementFeeds(config, logger, onStop) : givenFeeds(overrides.placement);
  const shared = follow();
  onStop(() => shared.stop());
  const placement = shared.feed;
  const claims = await Claims.open(join(dir, 'claims'), clock);
  onStop(() => claims.close());
  const senderState = await SenderState.open({ dir: join(dir, 'sender'), clock, segmentBytes: overrides.segmentBytes });
  onStop(() => senderState.close());

  const shards = createShards(config, {
    clock,
    claims,
    placement,
    config: shared.config,
    logger,
    tracing,
    random: overrides.random ?? Math.random,
    segmentBytes: overrides.segmentBytes,
  });
  const gateways = createGateways(config, follow, { logger, tracing });
  const members = [...gateways, ...shards].map(({ member }) => member);

  const sources: LedgerSource[] = [
    { name: senderSource, dir: senderState.ledgerDir, extent: () => senderState.extent() },
    ...shards.map(({ source }) => source),
  ];
  for (const member of members) {
    await ports.listen(`${member.kind}/${member.shardId}`, (port) => member.start(port));
    onStop(() => member.stop());
  }
  const accountant = await startAccountant({ sources, dir: join(dir, 'checker'), everyMs: reportEveryMs, logger });
  onStop(() => accountant.stop());
  onStop(
    keepTidy({
      accountant,
      shards,
      senderState,
      logger,
      tidyEveryMs: overrides.tidyEveryMs ?? tidyEveryMs,
      evidenceBytes: overrides.evidenceBytes ?? evidenceBytes,
    }),
  );

  const tenants = tenantsOf(config);
  const url = await startControl({ config, ports, members, shards, tenants, accountant, logger, onStop });
  if (config.SIM_RATE > 0) {
    const sender = await startLoad(config, { senderState, gateways, tenants, logger });
    onStop(() => sender.stop());
  }
  await writeFileAtomically(readyFile, JSON.stringify({ url }));
  onStop(() => rm(readyFile, { force: true }));
  logger.info({ url, shards: members.length, tenants: tenants.length, rate: config.SIM_RATE }, 'simulated fleet is ready');
  return url;
}

/** Makes feeds of what stands in KV, or in files until it does: each follows by itself, over one connection. */
async function placementFeeds(
  config: SimConfig,
  logger: Logger,
  onStop: (stop: () => Promise<void>) => void,
): Promise<() => FollowedPlacement> {
  const files = tlsFilesOf(config);
  const tls = files === undefined ? undefined : watchTls({ files, peer: 'fleet', logger });
  onStop(() => {
    tls?.close();
    return Promise.resolve();
  });
  const messaging = await connectMessaging({
    url: config.NATS_URL,
    user: config.NATS_USER,
    token: config.NATS_TOKEN,
    namespace: config.NATS_NAMESPACE,
    tls,
    makesStreams: false,
    name: 'fleet-sim',
    logger,
  });
  onStop(() => messaging.close());
  return () => {
    const feed = new PlacementBoard();
    const watch = followPlacement({
      messaging,
      logger,
      filesDir: config.SIM_PLACEMENT_FILES_DIR,
      onSnapshot: (snapshot) => {
        feed.show(snapshot);
      },
    });
    const configWatch = watchConfig({ messaging, logger, identities: [...gatewayConfig, ...runnerConfig] });
    return {
      feed,
      config: configWatch,
      stop: async () => {
        await configWatch.stop();
        await watch.stop();
      },
    };
  };
}

const givenFeeds = (feed: () => PlacementFeed) => (): FollowedPlacement => ({ feed: feed(), stop: () => Promise.resolve() });

function createShards(
  config: SimConfig,
  given: {
    clock: Clock;
    claims: Claims;
    placement: PlacementFeed;
    config: ConfigFeed | undefined;
    logger: Logger;
    tracing: Tracing;
    random: () => number;
    segmentBytes: number | undefined;
  },
): ShardMember[] {
  const checkToken = tokenCheck(config.FLEET_TOKEN);
  return placedKinds.flatMap((kind) =>
    numbered(kind, config.SIM_SHARDS).map((shardId) =>
      createShardMember({
        ...given,
        kind,
        shardId,
        host: config.SIM_HOST,
        dir: join(config.SIM_STATE_DIR, 'shards', kind, shardId),
        checkToken,
        build: buildOf(config),
        members: membersOf(config),
      }),
    ),
  );
}

function createGateways(config: SimConfig, follow: () => FollowedPlacement, given: { logger: Logger; tracing: Tracing }): GatewayMember[] {
  const checkToken = tokenCheck(config.FLEET_TOKEN);
  return numbered('gateway', config.SIM_GATEWAYS).map((shardId) =>
    createGatewayMember({
      shardId,
      host: config.SIM_HOST,
      dir: join(config.SIM_STATE_DIR, 'gateways', shardId),
      follow,
      checkToken,
      build: buildOf(config),
      members: membersOf(config),
      ...given,
    }),
  );
}

async function startControl(given: {
  config: SimConfig;
  ports: Ports;
  members: readonly Member[];
  shards: readonly ShardMember[];
  tenants: readonly { tenant_id: string; name: string }[];
  accountant: Accountant;
  logger: Logger;
  onStop: (stop: () => Promise<void>) => void;
}): Promise<string> {
  const { config, ports, members, shards, tenants, accountant, logger } = given;
  const host = config.SIM_HOST;
  const routes = controlRoutes({
    members,
    tenants,
    host,
    report: (sinceUs) => accountant.report(sinceUs),
    effects: (keyPrefix) =>
      readEffects(
        shards.map(({ source }) => source),
        keyPrefix,
      ),
  });
  const server = new HttpServer(routes, (error) => {
    logger.error({ error: describeError(error) }, 'control request failed');
  });
  const listen = (port: number) => server.listen(port, host);
  const port = config.SIM_REPORT_PORT > 0 ? await listen(config.SIM_REPORT_PORT) : await ports.listen('control', listen);
  given.onStop(() => server.destroy());
  return `http://${host}:${String(port)}`;
}

function startLoad(
  config: SimConfig,
  given: { senderState: SenderState; gateways: readonly GatewayMember[]; tenants: readonly { tenant_id: string }[]; logger: Logger },
): Promise<Sender> {
  const { gateways } = given;
  return startSender({
    state: given.senderState,
    tenants: given.tenants.map((tenant) => tenant.tenant_id),
    ratePerS: config.SIM_RATE,
    gateways: () => gateways.map(({ member }) => member.url),
    isPlaced: (tenant, kind) => gateways.every((gateway) => gateway.applied()?.current()?.shardOf(kind, tenant) !== undefined),
    logger: given.logger,
  });
}

/** Now and then writes snapshots and removes what is long accounted for; returns how to stop. */
function keepTidy(options: {
  accountant: Accountant;
  shards: readonly ShardMember[];
  senderState: SenderState;
  logger: Logger;
  tidyEveryMs: number;
  evidenceBytes: number;
}): () => Promise<void> {
  const { accountant, shards, senderState, logger } = options;
  let running: Promise<void> = Promise.resolve();
  const tidy = async () => {
    const base = await accountant.rebase(options.evidenceBytes);
    for (const shard of shards) await shard.tidy(base[shard.source.name] ?? 0);
    await senderState.tidy(base[senderSource] ?? 0);
  };
  const timer = setInterval(() => {
    running = running.then(tidy).catch((error: unknown) => {
      logger.warn({ error: describeError(error) }, 'ledgers could not be tidied');
    });
  }, options.tidyEveryMs);
  return () => {
    clearInterval(timer);
    return running;
  };
}

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${String(index + 1)}`);

/** How many services the process is. */
const membersOf = (config: SimConfig) => config.SIM_GATEWAYS + placedKinds.length * config.SIM_SHARDS;

const buildOf = (config: SimConfig) => ({ version: config.FAIRLEAD_VERSION, gitSha: config.FAIRLEAD_GIT_SHA });

function tenantsOf(config: SimConfig): { tenant_id: string; name: string }[] {
  return Array.from({ length: config.SIM_TENANTS }, (_, index) => {
    const number = String(index + 1).padStart(2, '0');
    return { tenant_id: `tenant-${number}`, name: `Tenant ${number}` };
  });
}
