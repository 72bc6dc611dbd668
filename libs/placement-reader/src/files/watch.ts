import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '@fairlead/contracts';
import { createBell } from '../bell.js';
import { shortSha256 } from '../format/index.js';
import { snapshotOf, supersedes, type PlacementSnapshot } from '../snapshot.js';
import type { PlacementWatch, ReaderLogger } from '../watch.js';
import { placementFiles } from './documents.js';
import { parsePlacementFiles, readContents, type FileContents } from './read.js';
import { codeOf, placementFilesState } from './state.js';

const pollEveryMs = 1000;
/** Between the two looks that must find the same. */
const confirmAfterMs = 50;

/**
 * Follows the two placement files of a folder: at each change they are read as one snapshot. What two looks in a row have
 * found is taken, so a file that is being written, or of which only one was replaced yet, is waited out. What is wrong is
 * logged once, with file, line and reason, and the last good snapshot stays; so it does when a file is deleted.
 * `onSnapshot` runs for each new content, never for a lower version.
 */
export function watchPlacementFiles(options: {
  dir: string;
  logger?: ReaderLogger;
  onSnapshot?: (snapshot: PlacementSnapshot) => void;
  /** How soon a change is noticed that the system did not tell of. */
  pollMs?: number;
}): PlacementWatch {
  const { dir, logger, pollMs = pollEveryMs } = options;
  const files = Object.values(placementFiles(dir));
  const bell = createBell();
  const folders = watchFolders(files.map(dirname), () => {
    bell.ring();
  });
  let current: PlacementSnapshot | undefined;
  /** What the last look found, and what was taken or refused last, by their hash. */
  let found = '';
  let settled = '';
  /** The files' state when it was settled; while it lasts they are not read again. */
  let settledState = '';
  let stopping = false;

  function apply(contents: FileContents): void {
    const snapshot = snapshotOf(parsePlacementFiles(dir, contents), 'files');
    if (current !== undefined && !supersedes(snapshot, current)) {
      throw new Error(`${files.join(' and ')} are older than the placement that was read before`);
    }
    current = snapshot;
    logger?.info({ dir, epoch: snapshot.epoch, revision: snapshot.revision }, 'read placement from files');
    options.onSnapshot?.(snapshot);
  }

  /** Looks once; false when another look is due soon. */
  async function look(): Promise<boolean> {
    const state = await placementFilesState(dir);
    if (state === settledState) return true;
    const contents = await readContents(dir);
    const hash = hashOfContents(contents);
    if (hash !== found || state !== (await placementFilesState(dir))) {
      found = hash;
      return false;
    }
    settledState = state;
    if (hash === settled) return true;
    settled = hash;
    try {
      apply(contents);
    } catch (error) {
      const nothingYet = current === undefined && Object.values(contents).every((content) => 'problem' in content);
      const level = nothingYet ? 'info' : 'error';
      logger?.[level]({ dir, error: describeError(error) }, 'the placement files are not used; the last good placement stays');
    }
    return true;
  }

  async function run(): Promise<void> {
    while (!stopping) {
      let sure = true;
      try {
        await folders.renew();
        sure = await look();
      } catch (error) {
        logger?.error({ dir, error: describeError(error) }, 'the placement files could not be looked at');
      }
      if (sure) await bell.wait(pollMs);
      // A change is told of many times while it is under way.
      await delay(confirmAfterMs);
    }
  }
  const done = run();

  return {
    current: () => current,
    async stop() {
      stopping = true;
      bell.ring();
      await done;
      folders.stop();
    },
  };
}

function hashOfContents(contents: FileContents): string {
  return Object.values(contents)
    .map((content) => ('bytes' in content ? shortSha256(content.bytes) : content.problem))
    .join();
}

/** Rings at each change in folders that may come and go. The system may refuse to watch; then the poll finds changes. */
function watchFolders(paths: readonly string[], ring: () => void): { renew(): Promise<void>; stop(): void } {
  const watched = new Map<string, { watcher: FSWatcher; state: string }>();
  const forget = (path: string) => {
    watched.get(path)?.watcher.close();
    watched.delete(path);
  };
  return {
    async renew() {
      for (const path of paths) {
        const state = await stat(path).then(({ dev, ino }) => `${String(dev)}:${String(ino)}`, codeOf);
        if (watched.get(path)?.state === state) continue;
        forget(path);
        try {
          const watcher = watch(path, ring);
          watcher.on('error', () => {
            forget(path);
          });
          watched.set(path, { watcher, state });
        } catch {
          // Not there, or no watches left.
        }
      }
    },
    stop() {
      for (const path of paths) forget(path);
    },
  };
}
