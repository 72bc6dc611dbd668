/** Telling a job what it waits for. */
import { isDeepStrictEqual } from 'node:util';
import { isProgram, type Principal } from '@fairlead/auth';
import { FairleadError } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import { jobEvent } from './engine/events.js';
import { approvalSignal } from './engine/waits.js';
import { lockOpenJob, type JobRequest } from './open-job.js';
import type { JobDependencies } from './start-job.js';

/** A signal's payload, in bytes of JSON. */
const maxPayloadBytes = 64 * 1024;

/**
 * Sends a job a signal, which its steps find from then on; a step that waits for it goes on at once. A job has one signal of a
 * name: the same again changes nothing, another payload is refused with `signal_already_sent`. The signal `approval` is not heard from who
 * started the job (`second_person_required`). Throws `job_not_found`, `job_finished`, `invalid_argument` and `too_large`.
 */
export async function signalJob(
  deps: JobDependencies,
  request: JobRequest & { signal: string; payload: Record<string, unknown> },
  caller: { principal: Principal },
): Promise<void> {
  const { jobId, signal, payload } = request;
  if (!/^[a-z][a-z0-9_-]{0,62}$/.test(signal))
    throw new FairleadError('invalid_argument', 'signal: a name of 1 to 63 lower-case letters, digits, - and _ is expected');
  const json = JSON.stringify(payload);
  if (Buffer.byteLength(json) > maxPayloadBytes)
    throw new FairleadError('too_large', `payload: more than ${String(maxPayloadBytes)} bytes`);
  const position = await deps.db.transaction(async (tx) => {
    const job = await lockOpenJob(tx, deps.kinds, request, caller.principal);
    if (signal === approvalSignal && (job.principal.id === caller.principal.id || isProgram(caller.principal)))
      throw new FairleadError('second_person_required', 'A job is approved by a person other than who started it');
    const made = await tx.query(
      `insert into signal (job_id, name, payload, sent_by) values ($1, $2, $3::jsonb, $4) on conflict do nothing returning name`,
      [jobId, signal, json, caller.principal.id],
    );
    if (made.length === 0) {
      const [there] = await tx.query<{ payload: unknown }>(`select payload from signal where job_id = $1 and name = $2`, [jobId, signal]);
      if (isDeepStrictEqual(there?.payload, JSON.parse(json))) return undefined;
      throw new FairleadError('signal_already_sent', `Job ${jobId} was sent the signal ${signal} before, with another payload`);
    }
    await tx.query(`update job set wake_at = now() where job_id = $1 and waits_for = $2 and wake_at > now()`, [jobId, signal]);
    const event = jobEvent(
      { jobId, tenantId: job.tenant_id ?? undefined },
      { type: 'job_signalled', payload: { by: caller.principal.id, signal } },
    );
    return (await appendInTransaction(tx, { events: [event] })).lastPosition;
  });
  if (position !== undefined) deps.onAppended(position);
  deps.onJobChanged(jobId);
}
