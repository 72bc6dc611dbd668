import type { NatsConnection } from '@nats-io/nats-core';
import { watchPlacementFiles } from './files/watch.js';
import type { PlacementNames } from './names.js';
import { supersedes, type PlacementSnapshot } from './snapshot.js';
import { watchPlacement, type PlacementReader, type PlacementWatch, type ReaderLogger } from './watch.js';

/**
 * Follows placement as a gateway should: from KV, and until KV gives one, from files when a folder is named; from files alone when there is no NATS. A placement
 * from KV takes over from files when it is not older than theirs; from then on the files are left alone until the next start.
 */
export function followPlacement(options: {
  /** As `watchPlacement` takes it; left out where there is no NATS. */
  connection?: NatsConnection | (() => NatsConnection | undefined);
  names?: PlacementNames;
  logger?: ReaderLogger;
  /** Where `placement/dev.json` and `routing/dev.json` are looked for. */
  filesDir?: string;
  /** Runs for each snapshot that is to be applied over the one before. */
  onSnapshot?: (snapshot: PlacementSnapshot) => void;
}): PlacementReader {
  const { connection, names, logger, filesDir } = options;
  let current: PlacementSnapshot | undefined;
  let files: PlacementWatch | undefined;

  function show(snapshot: PlacementSnapshot): void {
    const { epoch, revision, origin } = snapshot;
    if (current !== undefined && !supersedes(snapshot, current)) {
      logger?.warn({ epoch, revision, origin }, 'an older placement is not applied');
      return;
    }
    if (files !== undefined && origin === 'kv') {
      logger?.info({ epoch, revision }, 'placement comes from KV; the files are left alone');
      void files.stop();
      files = undefined;
    }
    current = snapshot;
    options.onSnapshot?.(snapshot);
  }

  if (filesDir !== undefined) files = watchPlacementFiles({ dir: filesDir, logger, onSnapshot: show });
  const kv = connection === undefined ? undefined : watchPlacement({ connection, names, logger, onSnapshot: show });
  return {
    current: () => current,
    look: () => kv?.look(),
    async stop() {
      await Promise.all([files?.stop(), kv?.stop()]);
    },
  };
}
