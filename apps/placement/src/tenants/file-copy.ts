import { describeError } from '@fairlead/contracts';
import { compareVersions, type PlacementSource, type PlacementVersion } from '@fairlead/placement-map';
import { areAsWritten, placementFiles, placementFilesState, writePlacementFiles } from '@fairlead/placement-map/files';
import type { Logger } from '@fairlead/telemetry';
import type { PublicationMetrics } from './publication-metrics.js';

/** The files that repeat published placement, for gateways that are developed without KV. */
export interface FileCopy {
  /**
   * Begins to write a placement, unless it stands there or the last offer is still being dealt with: offer it again. When
   * it was written before, this looks whether the files are still what was written; if not, the next offer writes
   * them. Never throws; the source may change once this has returned.
   */
  offer(source: PlacementSource): void;
  /** Resolves when nothing is being written or looked at. */
  idle(): Promise<void>;
}

/**
 * Keeps the two placement files of a folder; a failure is logged and counted, and holds up nothing. A folder has one
 * keeper: two would take what the other wrote for a change, and write it again and again.
 */
export function keepFileCopy(options: { dir: string; logger: Logger; metrics: PublicationMetrics }): FileCopy {
  const { dir, logger, metrics } = options;
  /** What the files hold, and their state when it was written. */
  let written: { version: PlacementVersion; state: string } | undefined;
  let busy: Promise<void> | undefined;
  let problem: string | undefined;

  async function write(source: PlacementSource): Promise<void> {
    try {
      const files = await writePlacementFiles(dir, source);
      written = { version: { epoch: source.epoch, revision: source.revision }, state: await placementFilesState(dir) };
      // Who changed a file before its state was taken would never be noticed by the state.
      if (!(await areAsWritten(files))) changedByOthers();
      if (problem !== undefined) logger.info(placementFiles(dir), 'the placement files are written again');
      problem = undefined;
    } catch (error) {
      metrics.fileCopyFailed();
      const text = describeError(error);
      if (text !== problem) logger.warn({ error: text, dir }, 'the placement files could not be written; trying again');
      problem = text;
    }
    busy = undefined;
  }

  async function look(state: string): Promise<void> {
    if ((await placementFilesState(dir)) !== state) changedByOthers();
    busy = undefined;
  }

  function changedByOthers(): void {
    logger.info(placementFiles(dir), 'the placement files were changed by somebody else; writing them again');
    written = undefined;
  }

  return {
    offer({ epoch, revision, maps, shards }) {
      if (busy !== undefined) return;
      if (written !== undefined && compareVersions({ epoch, revision }, written.version) === 0) {
        busy = look(written.state);
        return;
      }
      const copied = { aggregate: new Map(maps.aggregate), projection: new Map(maps.projection), runner: new Map(maps.runner) };
      busy = write({ epoch, revision, maps: copied, shards: [...shards] });
    },
    idle: () => busy ?? Promise.resolve(),
  };
}
