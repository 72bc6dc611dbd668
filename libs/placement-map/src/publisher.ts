import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import { TimeoutError } from '@nats-io/nats-core';
import { FairleadError, describeError } from '@fairlead/contracts';
import { ensureStream, findStream, type Messaging } from '@fairlead/messaging';
import { compareVersions, incrementJson, type PlacementSource, type PlacementVersion } from '@fairlead/placement-reader/format';
import type { Logger } from '@fairlead/telemetry';
import { bucketConfig, bucketStream, readBucket, readMarker, writePublication, type BucketState } from './bucket.js';
import { changesOf, findingsOf, planPublication, type Publication } from './publication.js';

/** What was published, to be remembered by the caller: a lost bucket is made anew above `sequence`. */
export interface PublishedInfo extends PlacementVersion {
  /** The bucket's highest sequence. */
  readonly sequence: number;
  /** When the bucket was made, as NATS tells it; another time means another bucket. */
  readonly bucketCreated: string;
}

/** What a comparison of the bucket with a source found, by chunk names. */
export interface BucketFindings {
  /** Their value is gone, or not the one that the marker names. */
  readonly damaged: readonly string[];
  /** They are whole, and hold something else than the source, or should not be there, or are missing. */
  readonly differing: readonly string[];
}

export interface PlacementPublisher {
  /**
   * Makes the source what the bucket holds: writes the chunks that changed and, last, the marker. Makes the bucket
   * when it is missing, or an old copy of what was published. Resolves when the bucket holds this source or a newer one of the same epoch; the source must
   * not change meanwhile. Calls are taken one after another, of those that wait only the newest.
   *
   * Throws FairleadError: `unavailable` when NATS is away or does not answer (publish again at the next connection),
   * `revision_mismatch` when the bucket holds a higher epoch, or other content under the same version, `too_large`.
   */
  publish(source: PlacementSource): Promise<void>;
  /**
   * Compares every value in the bucket with a source. After findings the next publication reads the bucket, and writes what is damaged anew.
   * Undefined when the bucket holds another version than the source's, or none. Throws what NATS answers, also when the bucket is written
   * to meanwhile.
   */
  verify(source: PlacementSource): Promise<BucketFindings | undefined>;
  /**
   * Tells readers that this version stands in the bucket: they need not look. To be called every second; it does so every third. False, and
   * nothing is told, when it is not what this publisher knows to stand there: the next publication looks. Never throws.
   */
  announce(version: PlacementVersion): boolean;
  /** The version in the bucket, which may be ahead of the caller's database. Undefined when there is none. Throws `unavailable`. */
  highestKnown(): Promise<(PlacementVersion & { bucketCreated: string }) | undefined>;
  /** Waits for a publication under way; later calls are refused. */
  close(): Promise<void>;
}

const attempts = 5;
/** A reader that was told looks for itself only after five: one telling may come late. */
const announceEveryMs = 3000;
/** More than one publication writes: what a publisher expects of a lost bucket is never true of the new one. */
const sequenceGap = 1000;

export function createPlacementPublisher(options: {
  messaging: Messaging;
  logger: Logger;
  /** The highest sequence the caller remembers of any bucket; asked whenever the bucket is looked at anew. */
  floor?: () => Promise<number>;
  /** Runs work while no other publisher of this bucket is in such work. Needed where there may be several. */
  inTurn?: <T>(work: () => Promise<T>) => Promise<T>;
  /** Runs after a publication, before `publish` resolves; its error is that of `publish`. */
  onPublished?: (info: PublishedInfo) => Promise<void>;
}): PlacementPublisher {
  const { messaging, logger, inTurn = (work) => work() } = options;
  const bucket = messaging.topology.buckets.placement;
  const stream = bucketStream(bucket);
  const increments = messaging.topology.subjects.placementIncrements;
  /** The bucket as it was left; undefined when it must be read. */
  let known: BucketState | undefined;
  let highestSequence = 0;
  let told = '';
  /** When readers were last told of what is in force, by an increment or in between. */
  let toldReadersAtMs = -Infinity;
  let running: Promise<void> = Promise.resolve();
  let waiting: { source: PlacementSource; result: Promise<void> } | undefined;
  let closed = false;

  async function rememberedFloor(): Promise<number> {
    try {
      return Math.max(highestSequence, (await options.floor?.()) ?? 0);
    } catch (cause) {
      throw new FairleadError('unavailable', 'the highest published sequence could not be read', { cause });
    }
  }

  async function openBucket(before: BucketState | undefined): Promise<BucketState> {
    const manager = await messaging.manager();
    const floor = await rememberedFloor();
    const exists = await isWhole(manager, floor);
    const firstSequence = exists ? undefined : floor + sequenceGap;
    const { info } = await ensureStream(manager, bucketConfig(bucket, { replicas: messaging.replicas, firstSequence }), logger);
    if (!exists) logger.info({ bucket: bucket.name, firstSequence }, 'made the placement bucket');
    return await readBucket(manager, bucket, info, before);
  }

  /**
   * Whether there is a bucket to go on with. One behind what was published is an old copy: it would give sequences out again
   * that readers have seen, and they would miss what is published under them. It is removed, to be made anew.
   */
  async function isWhole(manager: JetStreamManager, floor: number): Promise<boolean> {
    const isOld = (info: StreamInfo | undefined) => info !== undefined && info.state.last_seq < floor;
    const found = await findStream(manager, stream);
    if (!isOld(found)) return found !== undefined;
    return await inTurn(async () => {
      // Another publisher may have made it anew meanwhile.
      const info = await findStream(manager, stream);
      if (info === undefined || !isOld(info)) return info !== undefined;
      logger.warn(
        { bucket: bucket.name, lastSequence: info.state.last_seq, floor },
        'the placement bucket was rolled back; making it anew',
      );
      await manager.streams.delete(stream);
      return false;
    });
  }

  /** True while the bucket is the one we know, written by nobody else. */
  async function stillAsKnown(state: BucketState): Promise<boolean> {
    const info = await findStream(await messaging.manager(), stream);
    return info?.created === state.created && info.state.last_seq === state.lastSequence;
  }

  /** Brings the bucket to the source and returns it as it then is; undefined when it is not the bucket we know. */
  async function advance(state: BucketState, source: PlacementSource): Promise<BucketState | undefined> {
    highestSequence = Math.max(highestSequence, state.lastSequence);
    const { marker } = state;
    const order = marker === undefined ? 1 : compareVersions(source, marker);
    if (order <= 0 && !(await stillAsKnown(state))) return undefined;
    if (marker !== undefined && source.epoch < marker.epoch) throw mismatch('the bucket holds a higher epoch', source, marker);
    if (order < 0) return state;
    const publication = planPublication(state.held, source);
    if (order === 0 && publication.unchanged) return state;
    if (order === 0 && publication.contradicts) throw mismatch('the bucket holds other content of this version', source, source);
    const written = await writePublication(messaging.jetstream(), await messaging.manager(), bucket, state, publication);
    highestSequence = written.lastSequence;
    tellReaders(state, publication, written);
    logger.debug({ epoch: source.epoch, revision: source.revision, chunks: publication.chunks.length }, 'published placement');
    return written;
  }

  /** Once the marker stands: who misses it reads the bucket. */
  function tellReaders(before: BucketState, publication: Publication, { marker }: BucketState): void {
    if (marker === undefined) return;
    const changes = before.marker === undefined ? undefined : changesOf(before.held, publication);
    const base = before.marker === undefined || changes === undefined ? undefined : { from: before.marker, changes };
    sendToReaders({ ...marker, base });
  }

  function sendToReaders(increment: Parameters<typeof incrementJson>[0]): void {
    messaging.publishCore(increments, incrementJson(increment));
    toldReadersAtMs = performance.now();
  }

  async function bring(source: PlacementSource): Promise<BucketState> {
    let problem: unknown;
    // Another publisher has written since: what it left as it was need not be read again. When that fails too, all of it is.
    let before: BucketState | undefined;
    for (let attempt = 0; attempt < attempts && messaging.connected(); attempt++) {
      try {
        const state = known ?? (await openBucket(before));
        before = known;
        known = undefined;
        known = await advance(state, source);
        if (known !== undefined) return known;
        problem = new Error('the bucket was changed by someone else');
      } catch (error) {
        if (error instanceof FairleadError) throw error;
        problem = error;
        // The outcome of a request without an answer is unknown; the next publication looks at the bucket again.
        if (error instanceof TimeoutError) break;
        logger.debug({ error: describeError(error) }, 'the placement bucket has moved; publishing again');
      }
    }
    throw new FairleadError('unavailable', 'placement could not be published to NATS', { cause: problem });
  }

  async function publishNow(source: PlacementSource): Promise<void> {
    const state = await bring(source);
    const { epoch, revision } = state.marker ?? source;
    const info: PublishedInfo = { epoch, revision, sequence: state.lastSequence, bucketCreated: state.created };
    const text = JSON.stringify(info);
    if (text === told) return;
    await options.onPublished?.(info);
    told = text;
  }

  async function verifyNow(source: PlacementSource): Promise<BucketFindings | undefined> {
    const manager = await messaging.manager();
    const info = await findStream(manager, stream);
    const state = info === undefined ? undefined : await readBucket(manager, bucket, info);
    if (state?.marker === undefined || compareVersions(state.marker, source) !== 0) return undefined;
    const findings = findingsOf(state.held, planPublication(state.held, source));
    if (findings.damaged.length + findings.differing.length > 0) known = undefined;
    return findings;
  }

  return {
    publish(source) {
      if (closed) return Promise.reject(new FairleadError('unavailable', 'the placement publisher is closed'));
      if (waiting !== undefined) {
        if (compareVersions(source, waiting.source) > 0) waiting.source = source;
        return waiting.result;
      }
      const next = {
        source,
        result: running.then(async () => {
          waiting = undefined;
          await publishNow(next.source);
        }),
      };
      waiting = next;
      running = next.result.catch(() => undefined);
      return next.result;
    },
    verify(source) {
      const result = running.then(() => verifyNow(source));
      running = result.then(
        () => undefined,
        () => undefined,
      );
      return result;
    },
    announce(version) {
      const marker = known?.marker;
      // Another publisher may have written since: who shows an older version must not be told that it stands.
      if (marker === undefined || compareVersions(marker, version) !== 0) return false;
      // Whoever calls every second is a little late each time.
      const isDue = performance.now() - toldReadersAtMs > announceEveryMs - 500;
      if (isDue) sendToReaders({ ...marker, base: undefined });
      return true;
    },
    async highestKnown() {
      const manager = await messaging.manager();
      const info = await findStream(manager, stream);
      const marker = info === undefined ? undefined : await readMarker(manager, bucket);
      if (info === undefined || marker === undefined) return undefined;
      highestSequence = Math.max(highestSequence, info.state.last_seq);
      return { epoch: marker.epoch, revision: marker.revision, bucketCreated: info.created };
    },
    async close() {
      closed = true;
      await running;
    },
  };
}

function mismatch(message: string, ours: PlacementVersion, theirs: PlacementVersion): FairleadError {
  const version = ({ epoch, revision }: PlacementVersion) => ({ epoch, revision });
  return new FairleadError('revision_mismatch', message, { details: { published: version(ours), in_bucket: version(theirs) } });
}
