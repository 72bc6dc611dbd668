import { describeError } from '@fairlead/contracts';
import { compareVersions, type PlacementSource, type PlacementVersion } from '@fairlead/placement-map';
import { placementFiles, writePlacementFiles } from '@fairlead/placement-map/files';
import type { Logger } from '@fairlead/telemetry';
import type { PublicationMetrics } from './publication-metrics.js';

/** The files that repeat published placement, for gateways that are developed without KV. */
export interface FileCopy {
  /**
   * Begins to write a placement, unless it stands there or another is being written: offer it again. Never throws; the
   * source may change once this has returned.
   */
  offer(source: PlacementSource): void;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
}

/** Keeps the two placement files of a folder; a failure is logged and counted, and holds up nothing. */
export function keepFileCopy(options: { dir: string; logger: Logger; metrics: PublicationMetrics }): FileCopy {
  const { dir, logger, metrics } = options;
  let written: PlacementVersion | undefined;
  let writing: Promise<void> | undefined;
  let problem: string | undefined;

  async function write(source: PlacementSource): Promise<void> {
    try {
      await writePlacementFiles(dir, source);
      written = { epoch: source.epoch, revision: source.revision };
      if (problem !== undefined) logger.info(placementFiles(dir), 'the placement files are written again');
      problem = undefined;
    } catch (error) {
      metrics.fileCopyFailed();
      const text = describeError(error);
      if (text !== problem) logger.warn({ error: text, dir }, 'the placement files could not be written; trying again');
      problem = text;
    }
    writing = undefined;
  }

  return {
    offer({ epoch, revision, maps, shards }) {
      if (writing !== undefined || (written !== undefined && compareVersions({ epoch, revision }, written) === 0)) return;
      const copied = { aggregate: new Map(maps.aggregate), projection: new Map(maps.projection), runner: new Map(maps.runner) };
      writing = write({ epoch, revision, maps: copied, shards: [...shards] });
    },
    idle: () => writing ?? Promise.resolve(),
  };
}
