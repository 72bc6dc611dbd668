/**
 * Pokes between replicas: that jobs can be claimed, or that something is asked of one that may be running. They may be lost; each
 * replica also looks by itself.
 */
import { randomUUID } from 'node:crypto';
import type { Messaging } from '@fairlead/messaging';

export interface JobPokes {
  /** Jobs can be claimed that could not be before: wakes the engine here and elsewhere. */
  claimable: () => void;
  /** The same, elsewhere alone. */
  claimableElsewhere: () => void;
  /** Something is asked of a job. */
  changed: (jobId: string) => void;
  close: () => void;
}

/** `wake` looks for jobs to claim, and at the job that is named. */
export function jobPokes(messaging: Messaging, wake: (jobId?: string) => void): JobPokes {
  const { jobPoke } = messaging.topology.subjects;
  /** The server brings our own pokes back; of those there is no need. */
  const from = randomUUID();
  const close = messaging.subscribeCore(jobPoke, (data) => {
    if (typeof data !== 'object' || data === null || ('from' in data && data.from === from)) return;
    wake('job_id' in data ? String(data.job_id) : undefined);
  });
  let telling = false;
  /** Many that come at once are one. */
  const claimableElsewhere = () => {
    if (telling) return;
    telling = true;
    setImmediate(() => {
      telling = false;
      messaging.publishCore(jobPoke, { from });
    });
  };
  return {
    claimable: () => {
      wake();
      claimableElsewhere();
    },
    claimableElsewhere,
    changed: (jobId) => {
      wake(jobId);
      messaging.publishCore(jobPoke, { from, job_id: jobId });
    },
    close,
  };
}
