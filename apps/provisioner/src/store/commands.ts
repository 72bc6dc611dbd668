import { FairleadError } from '@fairlead/contracts';
import type { Transaction } from '@fairlead/postgres';
import { requestHash, type ServiceCommand } from '../domain/command.js';

/** A command as it stands once it may be asked: done already, or to be asked as this attempt. */
export type IssuedCommand = { status: 'succeeded'; response: unknown } | { status: 'issued'; attempt: number };

/**
 * Raises a resource's fence to at least the given one. Throws `stale_fence` when a higher one was seen. Commands for
 * one resource take turns here until their transactions end.
 */
export async function raiseFence(tx: Transaction, resource: string, fence: number): Promise<void> {
  const raised = await tx.query(
    `insert into fence (resource, highest) values ($1, $2)
     on conflict (resource) do update set highest = excluded.highest, raised_at = clock_timestamp()
       where fence.highest <= excluded.highest
     returning highest`,
    [resource, fence],
  );
  if (raised.length > 0) return;
  const [row] = await tx.query<{ highest: number }>('select highest from fence where resource = $1', [resource]);
  throw new FairleadError('stale_fence', `${resource} was commanded under a higher fence; this one is too late`, {
    details: { resource, fence, highest_fence: row?.highest },
  });
}

/**
 * Records that a command is about to be asked, for the first time or again. Throws `idempotency_key_reused` when the
 * key stands for another request.
 */
export async function issueCommand(
  tx: Transaction,
  command: ServiceCommand,
  job: { jobId?: string; step?: string },
): Promise<IssuedCommand> {
  const hash = requestHash(command);
  const inserted = await tx.query(
    `insert into command (idempotency_key, request_hash, operation, resource, request, fence, attempt, status, reason, job_id, step)
     values ($1, $2, $3, $4, $5, $6, 1, 'issued', $7, $8, $9)
     on conflict (idempotency_key) do nothing returning attempt`,
    [
      command.idempotencyKey,
      hash,
      command.operation,
      command.resource,
      JSON.stringify(command.request),
      command.fence,
      command.reason,
      job.jobId ?? null,
      job.step ?? null,
    ],
  );
  if (inserted.length > 0) return { status: 'issued', attempt: 1 };
  const [found] = await tx.query<{ request_hash: string; status: string; response: unknown }>(
    'select request_hash, status, response from command where idempotency_key = $1 for update',
    [command.idempotencyKey],
  );
  if (found?.request_hash !== hash) {
    throw new FairleadError('idempotency_key_reused', 'This idempotency key was used for another command', {
      details: { idempotency_key: command.idempotencyKey },
    });
  }
  if (found.status === 'succeeded') return { status: 'succeeded', response: found.response };
  return { status: 'issued', attempt: await askAgain(tx, command) };
}

async function askAgain(tx: Transaction, command: ServiceCommand): Promise<number> {
  const [row] = await tx.query<{ attempt: number }>(
    `update command set status = 'issued', attempt = attempt + 1, fence = $2, error = null, asked_at = clock_timestamp(), finished_at = null
     where idempotency_key = $1 returning attempt`,
    [command.idempotencyKey, command.fence],
  );
  if (row === undefined) throw new Error('the command was just read under a lock');
  return row.attempt;
}

/** Records a command's answer; false when another attempt has done so before. */
export async function recordSuccess(tx: Transaction, idempotencyKey: string, response: unknown): Promise<boolean> {
  const rows = await tx.query(
    `update command set status = 'succeeded', response = $2, error = null, finished_at = clock_timestamp()
     where idempotency_key = $1 and status <> 'succeeded' returning 1`,
    [idempotencyKey, JSON.stringify(response)],
  );
  return rows.length > 0;
}

/** Records a refusal; false when the command was asked again or answered meanwhile. */
export async function recordFailure(
  tx: Transaction,
  idempotencyKey: string,
  attempt: number,
  error: { code: string; message: string },
): Promise<boolean> {
  const rows = await tx.query(
    `update command set status = 'failed', error = $3, finished_at = clock_timestamp()
     where idempotency_key = $1 and status = 'issued' and attempt = $2 returning 1`,
    [idempotencyKey, attempt, JSON.stringify(error)],
  );
  return rows.length > 0;
}
