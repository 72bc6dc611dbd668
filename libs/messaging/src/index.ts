export { createBell, type Bell } from './bell.js';
export { connectMessaging, type Messaging } from './messaging.js';
export type { ConsumeOptions } from './consumer.js';
export type { ConsumedMessage } from './deliveries.js';
export type { DeadLetter, DeadLetters } from './dead-letters.js';
export { endOfMessages, keepSession, type Session } from './sessions.js';
export { configDifferences, ensureStream, findStream, isStreamMissing, streamConfig, type AskedConfig } from './streams.js';
