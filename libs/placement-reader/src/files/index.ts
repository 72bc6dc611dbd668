export type { PlacementSource } from '../format/index.js';
export { placementFiles, placementText, routingText } from './documents.js';
export { readPlacementFiles } from './read.js';
export { placementFilesState } from './state.js';
export { watchPlacementFiles } from './watch.js';
