export { appendAllInTransaction, appendInTransaction, createAppender, maxEventBytes, type Appended, type Appender } from './append.js';
export { pokeLog } from './bell.js';
export { followLog, type EventFilter, type LogFollower } from './follow.js';
export { installEventLog } from './install.js';
export { startProjection, type Projection, type ProjectionOptions } from './projection.js';
export { headPosition, readLog, type ReadOptions } from './read.js';
export { startRelay } from './relay.js';
export type { AppendOutcome, Command, EventMeta, NewEvent, StoredEvent } from './types.js';
export { waitForProjection } from './wait.js';
