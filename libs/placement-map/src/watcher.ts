import { describeError } from '@fairlead/contracts';
import { createBell, type Messaging } from '@fairlead/messaging';
import type { Logger } from '@fairlead/telemetry';
import { createAssembler } from './assembler.js';
import { bucketStream, bucketSubject } from './bucket.js';
import { compareVersions, markerKey, type PlacementVersion } from './format.js';
import type { PlacementSnapshot } from './snapshot.js';

/** Follows placement. */
export interface PlacementWatch {
  /** The newest complete snapshot seen; kept while its origin is away or lost. Undefined before the first. */
  current(): PlacementSnapshot | undefined;
  stop(): Promise<void>;
}

const longestPauseMs = 1000;
const shortestPauseMs = 5;
const readsAtOnce = 32;

/**
 * Follows the placement bucket in the background for ever, through lost connections and a bucket made anew. `onSnapshot`
 * runs for each new snapshot, never for an older or repeated version.
 *
 * It reads what stands in the bucket, woken by a new marker on its way there and every second in any case. So it needs
 * two rights and no more: to read values directly, and to hear of markers (docs/adr/0011).
 */
export function watchPlacement(options: {
  messaging: Messaging;
  logger: Logger;
  onSnapshot?: (snapshot: PlacementSnapshot) => void;
}): PlacementWatch {
  const { messaging, logger } = options;
  const bucket = messaging.topology.buckets.placement;
  const assembler = createAssembler();
  const bell = createBell();
  let stopping = false;
  let woken = true;
  /** The highest version heard of; it may never stand in the bucket when its publication was refused. */
  let heard: PlacementVersion | undefined;
  let problem: string | undefined;

  async function read(key: string): Promise<Uint8Array | undefined> {
    const subject = bucketSubject(bucket, key);
    const stored = await (await messaging.manager()).direct.getMessage(bucketStream(bucket), { last_by_subj: subject });
    return stored?.subject === subject ? stored.data : undefined;
  }

  /** Reads the marker and the chunks that it names and are not here yet. True when that gave a new snapshot. */
  async function look(): Promise<boolean> {
    const marker = await read(markerKey);
    if (marker === undefined) throw new Error('there is no placement in the bucket yet');
    // What an earlier look did not complete may have been replaced since, also by an older state.
    assembler.forget();
    let snapshot = assembler.take(markerKey, marker);
    const missing = assembler.missing();
    for (let start = 0; start < missing.length; start += readsAtOnce) {
      await Promise.all(
        missing.slice(start, start + readsAtOnce).map(async (key) => {
          const value = await read(key);
          if (value !== undefined) snapshot = assembler.take(key, value) ?? snapshot;
        }),
      );
    }
    if (snapshot !== undefined && !isStopping()) tell(snapshot);
    return snapshot !== undefined;
  }

  function tell(snapshot: PlacementSnapshot): void {
    try {
      options.onSnapshot?.(snapshot);
    } catch (error) {
      const { epoch, revision } = snapshot;
      logger.error({ epoch, revision, error: describeError(error) }, 'a placement snapshot was not applied');
    }
  }

  async function tryLook(): Promise<boolean> {
    try {
      const found = await look();
      if (problem !== undefined) logger.info({ bucket: bucket.name }, 'placement can be read again');
      problem = undefined;
      return found;
    } catch (error) {
      const text = describeError(error);
      if (text !== problem && messaging.connected() && !isStopping()) {
        logger.warn({ bucket: bucket.name, error: text }, 'placement can not be read; the last snapshot stays');
        problem = text;
      }
      return false;
    }
  }

  const isBehind = () => {
    const shown = assembler.current();
    return heard !== undefined && (shown === undefined || compareVersions(heard, shown) > 0);
  };

  function wake(): void {
    woken = true;
    bell.ring();
  }

  async function run(): Promise<void> {
    let pauseMs = longestPauseMs;
    while (!isStopping()) {
      // A marker is heard of before it is stored: soon, and then less often, it is looked for again.
      if (woken) pauseMs = shortestPauseMs;
      woken = false;
      const found = messaging.connected() && (await tryLook());
      pauseMs = found && !isBehind() ? longestPauseMs : Math.min(pauseMs * 2, longestPauseMs);
      if (!isStopping()) await bell.wait(pauseMs);
    }
  }
  // A function, because the compiler cannot know that stop() runs while we wait.
  const isStopping = () => stopping;

  const removeSubscription = messaging.subscribeCore(bucketSubject(bucket, markerKey), (marker) => {
    const version = versionOf(marker);
    if (version !== undefined && (heard === undefined || compareVersions(version, heard) > 0)) heard = version;
    wake();
  });
  const removeHook = messaging.onConnect(() => {
    wake();
    return Promise.resolve();
  });
  void run();
  return {
    current: () => assembler.current(),
    stop() {
      stopping = true;
      removeSubscription();
      removeHook();
      bell.ring();
      // A question that has no answer yet is not waited for; what it answers is dropped.
      return Promise.resolve();
    },
  };
}

function versionOf(marker: unknown): PlacementVersion | undefined {
  if (typeof marker !== 'object' || marker === null || !('epoch' in marker) || !('revision' in marker)) return undefined;
  const { epoch, revision } = marker;
  return typeof epoch === 'number' && typeof revision === 'number' ? { epoch, revision } : undefined;
}
