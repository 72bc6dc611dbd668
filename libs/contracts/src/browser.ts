/** What a browser may have of the contracts: all but the gRPC code and what else needs Node. */
export * from './headers.js';
export * from './jobs.js';
export * from './kinds.js';
export * from './permissions.js';
export * from './scopes.js';
export * from './sse.js';
