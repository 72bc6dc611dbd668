export { placementFiles } from './documents.js';
export { readPlacementFiles } from './read.js';
export { writePlacementFiles } from './write.js';
