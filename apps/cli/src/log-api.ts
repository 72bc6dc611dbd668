/** The gateway's operations on the event log and its projections. */
import type { Answer, Body, Schema } from '@fairlead/api-client';
import type { Having, Loose } from './http/answer.js';
import type { Caller, Filter, PageRequest } from './http/caller.js';

export type LogEvent = Loose<Schema<'LogEvent'>>;
export type WholeEvent = Loose<Schema<'LogEventBetween'>>;
export type LogStats = Loose<Schema<'LogStats'>>;
export type Verified = Having<Schema<'LogVerified'>, (typeof verifiedFields)[number]>;
export type LogFinding = Verified['findings'][number];
export type Aggregate = Loose<Schema<'Aggregate'>>;
export type StuckList = Having<Answer<'stuck.list'>, (typeof stuckFields)[number]>;
export type Projection = Having<Schema<'Projection'>, (typeof projectionFields)[number]>;

/** Without these, what was not looked at would pass for what is well. */
const verifiedFields = ['to', 'head', 'findings', 'stream_compared'] as const;
const stuckFields = ['items', 'not_checked'] as const;
const projectionFields = ['name', 'position', 'epochs'] as const;

/** Binds these operations to a client. */
export function createLogApi({ one, list }: Caller) {
  return {
    logEvents: (filter: Filter<'logEvents.list'>, page: PageRequest) => list('logEvents.list', filter, page),
    logEvent: (position: number) => one('logEvents.get', { path: { position } }, ['position']),
    logStats: () => one('logStats.get', {}, ['head']),
    /** Checks as much of a range as one request may; it changes nothing, so it may be repeated. */
    verifyLog: (range: Body<'logVerify.verify'>) => one('logVerify.verify', { body: range }, verifiedFields, { repeatable: true }),
    aggregates: (filter: Filter<'logAggregates.list'>, page: PageRequest) => list('logAggregates.list', filter, page),
    aggregate: (type: string, id: string) => one('logAggregates.get', { path: { type, id } }, ['aggregate_id']),
    stuck: () => one('stuck.list', {}, stuckFields),

    projections: () => one('projections.list', {}, ['items']),
    projection: (name: string, signal?: AbortSignal) => one('projections.get', { path: { name } }, projectionFields, { signal }),
    pauseProjection: (name: string, reason: string) => one('projections.pause', { path: { name }, body: { reason } }, projectionFields),
    resumeProjection: (name: string, reason: string) => one('projections.resume', { path: { name }, body: { reason } }, projectionFields),
    rebuildProjection: (name: string, reason: string) => one('projections.rebuild', { path: { name }, body: { reason } }, projectionFields),
    cancelRebuild: (name: string, reason: string) =>
      one('projections.cancelRebuild', { path: { name }, body: { reason } }, projectionFields),
    skipEvent: (name: string, body: Body<'projections.skip'>) => one('projections.skip', { path: { name }, body }, projectionFields),
  };
}
