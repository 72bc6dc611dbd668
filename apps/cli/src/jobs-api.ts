/** The gateway's operations on jobs, and on what they wait for and are started by. */
import type { Body, Schema } from '@fairlead/api-client';
import type { Having, Loose } from './http/answer.js';
import type { Caller, Filter, PageRequest } from './http/caller.js';

export type Step = Loose<Schema<'Step'>>;
export type Job = Loose<Schema<'Job'>>;
/** One that can be followed. */
export type KnownJob = Having<Schema<'Job'>, (typeof jobFields)[number]>;
export type Lock = Loose<Schema<'Lock'>>;
export type Replica = Loose<Schema<'Replica'>>;
export type Schedule = Loose<Schema<'Schedule'>>;

const jobFields = ['job_id', 'status', 'steps'] as const;
/** Once more changes nothing. */
const repeatable = { repeatable: true } as const;

/** Binds these operations to a client. */
export function createJobsApi({ one, list }: Caller) {
  return {
    job: (id: string, signal?: AbortSignal) => one('jobs.get', { path: { id } }, jobFields, { signal }),
    jobs: (filter: Filter<'jobs.list'>, page: PageRequest) => list('jobs.list', filter, page),
    cancelJob: (id: string, reason: string | undefined) => one('jobs.cancel', { path: { id }, body: { reason } }),
    retryJob: (id: string, reason: string) => one('jobs.retry', { path: { id }, body: { reason } }),
    pauseJob: (id: string, reason: string) => one('jobs.pause', { path: { id }, body: { reason } }, [], repeatable),
    unpauseJob: (id: string, reason: string) => one('jobs.unpause', { path: { id }, body: { reason } }, [], repeatable),
    signalJob: (id: string, name: string, payload: Record<string, unknown>) =>
      one('jobs.signal', { path: { id, name }, body: { payload } }, [], repeatable),

    locks: (filter: Filter<'locks.list'>, page: PageRequest) => list('locks.list', filter, page),
    replicas: () => one('replicas.list', {}, ['items']),
    schedules: () => one('schedules.list', {}, ['items']),
    createSchedule: (body: Body<'schedules.create'>, idempotencyKey: string) =>
      one('schedules.create', { headers: { 'Idempotency-Key': idempotencyKey }, body }),
    pauseSchedule: (id: string, reason: string) => one('schedules.pause', { path: { id }, body: { reason } }, [], repeatable),
    resumeSchedule: (id: string, reason: string) => one('schedules.resume', { path: { id }, body: { reason } }, [], repeatable),
    deleteSchedule: (id: string, reason: string) => one('schedules.delete', { path: { id }, body: { reason } }),
  };
}
