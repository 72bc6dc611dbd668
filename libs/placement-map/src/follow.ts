import type { Messaging } from '@fairlead/messaging';
import { supersedes, type PlacementSnapshot, type PlacementWatch } from '@fairlead/placement-reader';
import type { Logger } from '@fairlead/telemetry';
import { watchPlacementFiles } from './files/watch.js';
import { watchPlacement } from './watch.js';

/**
 * Follows placement as a gateway should: from KV, and until KV gives one, from files when a folder is named. A placement
 * from KV takes over from files when it is not older than theirs; from then on the files are left alone until the next start.
 */
export function followPlacement(options: {
  messaging: Messaging;
  logger: Logger;
  /** Where `placement/dev.json` and `routing/dev.json` are looked for. */
  filesDir?: string;
  /** Runs for each snapshot that is to be applied over the one before. */
  onSnapshot?: (snapshot: PlacementSnapshot) => void;
}): PlacementWatch {
  const { messaging, logger, filesDir } = options;
  let current: PlacementSnapshot | undefined;
  let files: PlacementWatch | undefined;

  function show(snapshot: PlacementSnapshot): void {
    if (current !== undefined && !supersedes(snapshot, current)) {
      logger.warn({ epoch: snapshot.epoch, revision: snapshot.revision, origin: snapshot.origin }, 'an older placement is not applied');
      return;
    }
    if (files !== undefined && snapshot.origin === 'kv') {
      logger.info({ epoch: snapshot.epoch, revision: snapshot.revision }, 'placement comes from KV; the files are left alone');
      void files.stop();
      files = undefined;
    }
    current = snapshot;
    options.onSnapshot?.(snapshot);
  }

  if (filesDir !== undefined) files = watchPlacementFiles({ dir: filesDir, logger, onSnapshot: show });
  const kv = watchPlacement({ messaging, logger, onSnapshot: show });
  return {
    current: () => current,
    async stop() {
      await Promise.all([files?.stop(), kv.stop()]);
    },
  };
}
