export { createAssembler, type Assembler } from './assembler.js';
export { compareVersions, type PlacementSource, type PlacementVersion, type ShardEntry } from './format/index.js';
export { followPlacement } from './follow.js';
export { placementNames, type PlacementNames } from './names.js';
export { snapshotOf, supersedes, type PlacementOrigin, type PlacementSnapshot } from './snapshot.js';
export { watchPlacement, type PlacementReader, type PlacementWatch, type ReaderLogger } from './watch.js';
