export { placementFiles, placementFilesState, readPlacementFiles, type PlacementSource } from '@fairlead/placement-reader/files';
export { areAsWritten, writePlacementFiles } from './write.js';
