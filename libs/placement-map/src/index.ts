export { bucketConfig, bucketStream, bucketSubject } from './bucket.js';
export { compareVersions, type PlacementSource, type PlacementVersion, type ShardEntry } from './format.js';
export { followPlacement } from './follow.js';
export { watchPlacementFiles } from './files/watch.js';
export { createPlacementPublisher, type PlacementPublisher, type PublishedInfo } from './publisher.js';
export { snapshotOf, supersedes, type PlacementOrigin, type PlacementSnapshot } from './snapshot.js';
export { watchPlacement, type PlacementWatch } from './watcher.js';
