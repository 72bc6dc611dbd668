export type { Hold, HoldOptions, StackPart } from './hold.js';
export { startStack, type Stack, type StackOptions } from './stack.js';
