import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from '@fairlead/telemetry';
import type { Version } from './domain/epoch.js';

/** What the publication reports about itself. */
export interface PublicationMetrics {
  committed(version: Version): void;
  published(version: Version, seconds: number | undefined): void;
  failed(): void;
  fileCopyFailed(): void;
  /** KV was compared with the database. */
  swept(result: 'same' | 'different' | 'failed'): void;
}

/** Registers the publication's metrics. */
export function createPublicationMetrics(registry: Registry): PublicationMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const epoch = gauge('fairlead_placement_epoch', 'Epoch of the committed placement.');
  const revision = gauge('fairlead_placement_revision', 'Revision of the committed placement.');
  const publishedEpoch = gauge('fairlead_placement_published_epoch', 'Epoch of the placement in KV.');
  const publishedRevision = gauge('fairlead_placement_published_revision', 'Revision of the placement in KV.');
  const duration = new Histogram({
    name: 'fairlead_placement_publish_duration_seconds',
    help: 'From reading what changed until KV holds the marker.',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  const failures = new Counter({
    name: 'fairlead_placement_publish_failures_total',
    help: 'Publications that failed and were tried again.',
    registers,
  });
  const fileFailures = new Counter({
    name: 'fairlead_placement_file_failures_total',
    help: 'Times that published placement could not be written to PLACEMENT_FILES_DIR.',
    registers,
  });
  const sweeps = new Counter({
    name: 'fairlead_placement_sweeps_total',
    help: 'Comparisons of what KV holds with the database, by what they found.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['same', 'different', 'failed']) sweeps.inc({ result }, 0);
  return {
    committed: (version) => {
      epoch.set(version.epoch);
      revision.set(version.revision);
    },
    published: (version, seconds) => {
      publishedEpoch.set(version.epoch);
      publishedRevision.set(version.revision);
      if (seconds !== undefined) duration.observe(seconds);
    },
    failed: () => {
      failures.inc();
    },
    swept: (result) => {
      sweeps.inc({ result });
    },
    fileCopyFailed: () => {
      fileFailures.inc();
    },
  };
}
