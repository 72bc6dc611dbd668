import type { Lock, Replica, Schedule } from '../jobs-api.js';
import { table } from './table.js';
import { yesNo } from './text.js';

/** What jobs have locked, one line for each resource, and the first that wait for it. */
export function renderLocks(locks: readonly Lock[]): string {
  return table(
    ['resource', 'job', 'kind', 'by', 'asked', 'held since', 'waiting', 'next'],
    locks.map((lock) => [
      lock.resource,
      lock.job_id,
      lock.kind,
      lock.principal,
      lock.asked_at,
      lock.held_since,
      lock.waiting,
      lock.waiters?.map((waiter) => waiter.job_id ?? '-').join(' '),
    ]),
  );
}

/** The processes that run jobs. */
export function renderReplicas(replicas: readonly Replica[]): string {
  return table(
    ['replica', 'host', 'pid', 'alive', 'running', 'started', 'heartbeat', 'lease until'],
    replicas.map((replica) => [
      replica.replica_id,
      replica.host,
      replica.pid,
      yesNo(replica.alive),
      replica.running,
      replica.started_at,
      replica.heartbeat_at,
      replica.lease_until,
    ]),
  );
}

/** Schedules with their next turn and what became of the last. */
export function renderSchedules(schedules: readonly Schedule[]): string {
  return table(
    ['schedule', 'kind', 'cron', 'time zone', 'next', 'paused', 'last', 'job', 'problem'],
    schedules.map((schedule) => [
      schedule.name,
      schedule.kind,
      schedule.cron,
      schedule.time_zone,
      schedule.next_at,
      schedule.paused_at,
      schedule.last_at,
      schedule.last_job_id,
      schedule.last_error?.message,
    ]),
  );
}
