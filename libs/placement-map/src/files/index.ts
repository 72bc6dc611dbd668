export type { PlacementSource } from '@fairlead/placement-reader/format';
export { placementFiles } from './documents.js';
export { readPlacementFiles } from './read.js';
export { placementFilesState } from './state.js';
export { areAsWritten, writePlacementFiles } from './write.js';
