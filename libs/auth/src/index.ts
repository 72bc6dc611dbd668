export * from './external-tokens.js';
export * from './grants.js';
export * from './key-source.js';
export * from './keys.js';
export * from './principal.js';
export * from './tokens.js';
