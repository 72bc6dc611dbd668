export { failpoint, failpointActions, failpointFiles, failpointFolder, type FailpointAction } from './failpoint.js';
