export {
  appendAllInTransaction,
  appendFailure,
  appendInTransaction,
  appendPrepared,
  appendWithin,
  prepareCommand,
  type AppendAnswer,
  type Appended,
  type PreparedCommand,
} from './append.js';
export { createAppender, type Appender, type AppenderOptions } from './appender.js';
export { createAuditGate, type AuditGate, type AuditGateOptions } from './audit-gate.js';
export { archivePartitions, type ArchiveOptions } from './archive.js';
export { pokeLog } from './bell.js';
export { decodeEvent, UnreadableEvent, type DecodedEvent } from './catalogue.js';
export { maxEventBytes } from './command.js';
export { forgetCommands } from './commands.js';
export { compareWithStream, type StreamComparison, type StreamFault } from './compare-stream.js';
export { formatCursor, parseCursor, readHistory, resolveCursor, validUntil, type LogCursor, type LogHistory } from './cursor.js';
export { eventStreamIncarnation, firstPositionSince } from './event-stream.js';
export { oncePerEvent, type EventFilter } from './filter.js';
export { followLog, type FeedBatch, type FollowOptions, type LogFollower, type ReadFeedOptions, type SubscribeOptions } from './follow.js';
export { beginIncarnation, installEventLog } from './install.js';
export { readNewest, type NewestOptions } from './newest.js';
export { readPage, type Page, type PageOptions } from './page.js';
export { keepPartitions } from './partitions.js';
export {
  cancelRebuild,
  listProjections,
  pauseProjection,
  requestRebuild,
  resumeProjection,
  skipEvent,
  type EpochState,
  type ProjectionState,
  type RebuildProgress,
} from './projection/control.js';
export { defineProjection, type ProjectionDefinition, type RawProjection, type TypedProjection } from './projection/define.js';
export type { Swap } from './projection/epochs.js';
export { startProjection, type Projection, type ProjectionOptions } from './projection/worker.js';
export { headPosition, readEventsAt, readHead, readLog, type LogHead, type ReadOptions } from './read.js';
export { startRelay, type RelayOptions } from './relay.js';
export { type BeginIncarnation, type FoundRestored } from './takeover.js';
export { metaOf, type AppendOutcome, type Command, type EventMeta, type NewEvent, type StoredEvent } from './types.js';
export { waitForProjection, type WaitOptions } from './wait.js';
