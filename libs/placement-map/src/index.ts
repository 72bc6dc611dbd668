export type { PlacementSnapshot } from './assembler.js';
export { compareVersions, type PlacementSource, type PlacementVersion, type ShardEntry } from './format.js';
export { createPlacementPublisher, type PlacementPublisher, type PublishedInfo } from './publisher.js';
export { watchPlacement, type PlacementWatch } from './watcher.js';
