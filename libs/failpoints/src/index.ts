export { failpoint, failpointActions, FailpointError, failpointFiles, failpointFolder, type FailpointAction } from './failpoint.js';
