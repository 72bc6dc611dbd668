export {
  compareVersions,
  snapshotOf,
  supersedes,
  type PlacementOrigin,
  type PlacementSnapshot,
  type PlacementSource,
  type PlacementVersion,
  type PlacementWatch,
  type ShardEntry,
} from '@fairlead/placement-reader';
export { bucketConfig, bucketStream, bucketSubject } from './bucket.js';
export { watchConfig, type ConfigWatch } from './config-watch.js';
export { followPlacement } from './follow.js';
export { watchPlacementFiles } from '@fairlead/placement-reader/files';
export { createPlacementPublisher, type BucketFindings, type PlacementPublisher, type PublishedInfo } from './publisher.js';
export { watchPlacement } from './watch.js';
