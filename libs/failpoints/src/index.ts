export { failpoint, failpointActions, type FailpointAction } from './failpoint.js';
