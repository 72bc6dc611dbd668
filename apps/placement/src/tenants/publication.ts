/**
 * Brings committed placement to KV: after each commit of this process, at start, at every NATS connection, and on a
 * slow poll for what other replicas committed or KV lost.
 *
 * Several replicas may publish at once, without a lock among them: each publishes only what it read as committed,
 * revisions are given out in commit order, and libs/placement-map writes on the condition that nobody else wrote
 * since. The one that loses reads the bucket again and finds a newer marker there, or writes its own. Only the removal of
 * a bucket that was rolled back, which no condition can guard, is done by one replica at a time.
 *
 * Losing NATS loses nothing: changes commit without it and one publication catches up with all of them. Losing the
 * bucket, or a bucket that knows more than our database, raises the epoch first (domain/epoch.ts).
 */
import { describeError, FairleadError } from '@fairlead/contracts';
import { pokeLog } from '@fairlead/event-log';
import { failpoint } from '@fairlead/failpoints';
import { createBell, type Messaging } from '@fairlead/messaging';
import { createPlacementPublisher, type PublishedInfo } from '@fairlead/placement-map';
import type { Database } from '@fairlead/postgres';
import { currentContext, noTracing, type Logger, type Registry, type RequestContext, type Tracing } from '@fairlead/telemetry';
import { applyIncrement, emptyPlacement, isSamePlacement, type EffectivePlacement } from './domain/effective.js';
import { compareVersions, type Version } from './domain/epoch.js';
import { keepFileCopy } from './file-copy.js';
import { createPublicationMetrics } from './publication-metrics.js';
import { agreeOnEpoch } from './raise-epoch.js';
import { readIncrement } from './store/effective.js';
import { inTurnWithReplicas, readBucketSequence, readOwnState, rememberPublication } from './store/meta.js';
import { createSweep } from './sweep.js';

export interface Publication {
  /** Something was committed in the context at hand: publish at once. */
  changed(): void;
  /** The version that KV holds as far as this process knows. */
  published(): Version | undefined;
  /** What keeps the committed placement from KV, or undefined. */
  problem(): string | undefined;
  /** What the last comparison of KV with the database found, or undefined. */
  difference(): string | undefined;
  /** Ends after a publication under way. */
  stop(): Promise<void>;
}

const shortestRetryMs = 50;

/**
 * Starts publishing. `pollMs` is how soon changes by others, and losses in KV, are noticed. In `filesDir`, when given,
 * files repeat what KV holds: a publication at most one poll later, what somebody else did to them undone at most two
 * polls later. One replica writes one folder.
 */
export function startPublication(options: {
  database: Database;
  messaging: Messaging;
  logger: Logger;
  registry: Registry;
  /** Gets a producer span per publication that a request caused. */
  tracing?: Tracing;
  pollMs?: number;
  /** How often what KV holds is compared with the database, value by value. */
  sweepMs?: number;
  filesDir?: string;
}): Publication {
  const { database, messaging, logger, tracing = noTracing, pollMs = 1_000, sweepMs = 300_000 } = options;
  const metrics = createPublicationMetrics(options.registry);
  const publisher = createPlacementPublisher({
    messaging,
    logger,
    floor: () => readBucketSequence(database),
    inTurn: (work) => inTurnWithReplicas(database, work),
    onPublished,
  });
  const sweep = createSweep({ database, messaging, publisher, logger, metrics, everyMs: sweepMs, soonMs: pollMs });
  const fileCopy = options.filesDir === undefined ? undefined : keepFileCopy({ dir: options.filesDir, logger, metrics });
  const bell = createBell();
  let placement = emptyPlacement();
  let published: Version | undefined;
  /** False until the bucket's content was compared with ours on this connection. */
  let compared = false;
  let lookAgainAtMs = 0;
  /** Whose change is the last one that awaits publication. */
  let cause: RequestContext | undefined;
  let conflict: Version | undefined;
  let problem: string | undefined;
  let stopping = false;

  async function onPublished(info: PublishedInfo): Promise<void> {
    const bucket = await rememberPublication(database, info);
    // The bucket was lost and made anew within this epoch.
    if (bucket !== undefined && bucket !== info.bucketCreated) lookAgainAtMs = 0;
  }

  /** Looks at what KV holds, and raises the epoch when that is due. */
  async function look(): Promise<void> {
    const { bucketCreated: expectedBucket } = await readOwnState(database);
    const known = await publisher.highestKnown();
    const raised = await agreeOnEpoch(database, { expectedBucket, known }, conflict);
    conflict = undefined;
    published = known;
    if (known !== undefined) metrics.published(known, undefined);
    if (raised !== undefined) {
      pokeLog(messaging, raised.position);
      logger.warn(
        { epoch: raised.epoch, found: known ?? null },
        'raised the placement epoch: KV had lost its placement or knew a newer one',
      );
    }
    lookAgainAtMs = performance.now() + pollMs;
  }

  async function refresh(): Promise<void> {
    let increment = await readIncrement(database, placement.revision);
    if (increment.revision < placement.revision) {
      // The database was restored under us: what we remember never happened.
      placement = emptyPlacement();
      increment = await readIncrement(database, placement.revision);
    }
    placement = applyIncrement(placement, increment);
    metrics.committed(placement);
  }

  async function publish(): Promise<void> {
    const startedAtMs = performance.now();
    const causedBy = cause;
    await refresh();
    const order = compared && published !== undefined ? compareVersions(placement, published) : 1;
    // What another replica published, or we without an answer, is opened before it is vouched for; where it is equal nothing is written.
    if (order < 0 || (order === 0 && publisher.announce(placement))) {
      settled(causedBy);
      return;
    }
    const { epoch, revision } = placement;
    await failpoint('placement.publish.before');
    try {
      await tracing.span('publish placement', { kind: 'producer', context: causedBy, attributes: attributesOf(messaging, placement) }, () =>
        publisher.publish(sourceOf(placement)),
      );
    } catch (error) {
      if (error instanceof FairleadError && error.code === 'revision_mismatch') conflict = { epoch, revision };
      throw error;
    }
    settled(causedBy);
    compared = true;
    published = { epoch, revision };
    metrics.published(published, (performance.now() - startedAtMs) / 1_000);
  }

  /** What was read is in KV; a change that came meanwhile is still to come. */
  function settled(causedBy: RequestContext | undefined): void {
    if (cause === causedBy) cause = undefined;
  }

  /** Holds both what this process remembers and what KV holds against the whole of the database. */
  async function comparePlacements(): Promise<void> {
    const whole = applyIncrement(emptyPlacement(), await readIncrement(database, emptyPlacement().revision));
    if (compareVersions(whole, placement) !== 0) {
      // Something was committed meanwhile; the sweep comes after its publication.
      bell.ring();
      return;
    }
    if (!isSamePlacement(whole, placement)) {
      const { epoch, revision } = whole;
      logger.error({ epoch, revision }, 'placement as this process remembered it was not what the database says');
    }
    placement = whole;
    if (!(await sweep.run(sourceOf(placement)))) return;
    compared = false;
    bell.ring();
  }

  async function pass(): Promise<void> {
    if (!messaging.connected()) {
      await refresh();
      throw new FairleadError('unavailable', 'NATS is not connected');
    }
    if (performance.now() >= lookAgainAtMs) await look();
    await publish();
    if (published !== undefined && compareVersions(placement, published) === 0) fileCopy?.offer(sourceOf(placement));
    if (published !== undefined && compareVersions(placement, published) === 0 && sweep.due()) await comparePlacements();
    // Seen while publishing: the bucket is another one.
    if (lookAgainAtMs === 0) bell.ring();
  }

  async function run(): Promise<void> {
    let retryMs = shortestRetryMs;
    while (!stopping) {
      try {
        await pass();
        if (problem !== undefined) logger.info({ published }, 'placement is published again');
        problem = undefined;
        retryMs = shortestRetryMs;
        await bell.wait(pollMs);
      } catch (error) {
        metrics.failed();
        const text = describeError(error);
        if (text !== problem) logger.warn({ error: text }, 'placement is not published; trying again');
        problem = text;
        lookAgainAtMs = 0;
        await bell.wait(retryMs);
        retryMs = Math.min(retryMs * 2, pollMs);
      }
    }
  }

  const removeHook = messaging.onConnect(() => {
    compared = false;
    lookAgainAtMs = 0;
    bell.ring();
    return Promise.resolve();
  });
  const done = run();

  return {
    changed: () => {
      cause = currentContext();
      bell.ring();
    },
    published: () => published,
    problem: () => problem,
    difference: () => sweep.problem(),
    stop: async () => {
      stopping = true;
      removeHook();
      bell.ring();
      await done;
      await publisher.close();
      await fileCopy?.idle();
    },
  };
}

const sourceOf = ({ epoch, revision, maps, shards }: EffectivePlacement) => ({ epoch, revision, maps, shards: [...shards.values()] });

function attributesOf(messaging: Messaging, { epoch, revision }: Version) {
  return {
    'messaging.system.name': 'nats',
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.destination.name': messaging.topology.buckets.placement.name,
    'fairlead.placement.epoch': epoch,
    'fairlead.placement.revision': revision,
  };
}
