export * from './hash.js';
export * from './increment.js';
export * from './values.js';
