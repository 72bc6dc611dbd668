/** For specs of jobs that are claimed when they are made: such a job, made step by step. */
import { newId } from '@fairlead/contracts';
import { prepareCommand } from '@fairlead/event-log';
import type { Claim } from '../store/claim.js';
import { claimOfNew, type Inserted, type NewJob } from '../store/insert.js';
import { ann, boot, db, engines, plan } from './bench.fixture.js';
import type { Room } from './engine.js';
import { jobEvent } from './events.js';
import type { JobKind } from './kind.js';
import { startTold } from './news.js';
import { step, toyKind } from './toy.fixture.js';
import { writerOf } from './writer.js';

const planless = boot(toyKind([step('one')]), { engine: false });

/** The plan of a toy job on a tenant. */
export async function planOf(tenant: string): Promise<{ plan_id: string }> {
  const [row] = await db.query<{ plan_id: string }>(`select plan_id from plan where digest = $1`, [await plan(planless, tenant)]);
  if (row === undefined) throw new Error('a plan that was made is there');
  return row;
}

const { plan_id: planId } = await planOf('for-all');

export function newJob(tenant: string, parts: Partial<NewJob> = {}): NewJob {
  return {
    ...{ job_id: newId('job'), kind: 'toy', version: 1, params: { tenant }, plan_id: planId, plan_digest: 'sha256:0', reason: 'test' },
    ...{ principal: { id: ann.id, name: ann.name, grants: [] }, scope: ann.id, idempotency_key: newId('request'), payload_hash: '0' },
    ...{ locks: [`tenant/${tenant}`], tenant_id: tenant, deadline_ms: 60_000, request_id: '', correlation_id: '', traceparent: '' },
    ...{ steps: ['one'], may_wait: true, ...parts },
  };
}

/** Room of the first replica, as soon as it has looked for others that wait for it. */
export async function firstRoom(kind: JobKind): Promise<Room> {
  for (;;) {
    const room = engines[0]?.reserve(kind);
    if (room !== undefined) return room;
    await new Promise(setImmediate);
  }
}

/** The claim by what the database answered. */
export function claimOfMade(made: Inserted | undefined, job: NewJob): Claim | undefined {
  const impact = { tenants: [], services: [], expectedPauseMs: 0 };
  return made === undefined ? undefined : claimOfNew(made, job, { actions: [], checks: [], impact, inputs: [] });
}

/** Makes a job whose first step begins with its claim, as a start does; whoever asked for the room does not know of it yet. */
export async function bear(kind: JobKind, room: Room, tenant: string): Promise<{ jobId: string; claim: Claim }> {
  const steps = kind.steps.map(({ name }) => name);
  const job = newJob(tenant, { claimer: room.replica, plan_id: (await planOf(tenant)).plan_id, steps });
  const asked = { ...job, started: startTold(kind, job, room.replica) };
  const queued = { kind: 'toy', plan_id: job.plan_id, plan_digest: job.plan_digest, params: {}, locks: job.locks, steps };
  const event = jobEvent({ jobId: job.job_id, tenantId: undefined }, { type: 'job_queued', payload: queued });
  const claim = claimOfMade(await writerOf(db).start(asked, prepareCommand({ events: [event] })), asked);
  if (claim?.begun !== true) throw new Error('nothing is in the way of the job');
  return { jobId: job.job_id, claim };
}
