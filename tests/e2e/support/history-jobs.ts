/** The part of a history that tells of jobs: what is decided about them while they run, and those that the clock starts. */
import { openStackDatabase } from './stack-database.js';
import { Operator } from './operator.js';

const reason = 'part of a history';

/** The stack that the history is of, and what is done in it elsewhere too. */
export interface JobStage {
  readonly stateDir: string;
  readonly ann: Operator;
  /** Makes somebody who may approve, and logs them in. */
  second(): Promise<Operator>;
  begin(kind: string, params: Record<string, unknown>): Promise<string>;
  ended(jobId: string, status: string): Promise<void>;
  /** A job that stands still before a step, of its own or of one that it begins. */
  pausedAt(step: string, begin: () => Promise<string>, kind?: string): Promise<{ jobId: string; release: () => void }>;
  /** Waits until the log has events of these types. */
  told(...types: string[]): Promise<void>;
}

async function did(stage: JobStage, path: string, body: Record<string, unknown> = { reason }): Promise<Record<string, unknown>> {
  const answer = await stage.ann.post(path, body);
  if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Tells the stack that it is later than it is: nobody waits for hours in a history. */
async function setClock(stage: JobStage, statement: string, values: readonly unknown[]): Promise<void> {
  const db = await openStackDatabase(stage.stateDir, 'job-orchestrator', { applicationName: 'test-clock', poolSize: 1 });
  try {
    await db.query(statement, [...values]);
  } finally {
    await db.close();
  }
}

/** Schedules that fire, are refused and come late, and one that is paused, resumed and deleted. */
export async function schedulesHappen(stage: JobStage): Promise<void> {
  const reload = { kind: 'reload', params: { kind: 'gateway', shard: 'gateway-1' }, missed: 'once' };
  const schedules = [
    { ...reload, name: 'fires', lateMs: 0 },
    { name: 'is-refused', kind: 'tenant-resume', params: { tenant: 'nobody' }, missed: 'once', lateMs: 0 },
    { ...reload, name: 'comes-late', missed: 'skip', lateMs: 120_000 },
  ];
  for (const { lateMs, ...schedule } of schedules) {
    await did(stage, '/admin/v1/schedules', { ...schedule, cron: '0 3 1 1 *', reason });
    await setClock(
      stage,
      `update schedule set next_at = date_trunc('milliseconds', now()) - make_interval(secs => $2::float8 / 1000) where name = $1`,
      [schedule.name, lateMs],
    );
  }
  await stage.told('schedule_fired', 'schedule_failed', 'schedule_missed');
  await did(stage, '/admin/v1/schedules/fires/pause');
  await did(stage, '/admin/v1/schedules/fires/resume');
  await stage.ann.delete('/admin/v1/schedules/fires', { reason });
}

/** A job that is paused, told something and let go on, and one behind it that is late; two tenants that are moved together; a plan that a second person approves. */
export async function decisionsHappen(stage: JobStage): Promise<void> {
  const { ann } = stage;
  const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants?limit=200&kind=runner&shard_id=runner-1');
  const [first = '', ...tenants] = body.items.map((tenant) => tenant.tenant_id).slice(-3);
  const { jobId, release } = await stage.pausedAt('wait-drained', () => ann.migrate(first, { runner: 'runner-2' }));
  const late = await stage.begin('tenant-resume', { tenant: first });
  await did(stage, `/admin/v1/jobs/${jobId}/signals/look`, { payload: { at: 'the rack' } });
  await did(stage, `/admin/v1/jobs/${jobId}/pause`);
  release();
  await setClock(stage, `update job set deadline = now() where job_id = $1`, [late]);
  await stage.told('job_paused', 'job_overdue');
  await did(stage, `/admin/v1/jobs/${late}/cancel`);
  await did(stage, `/admin/v1/jobs/${jobId}/unpause`);
  await stage.ended(jobId, 'succeeded');

  await stage.ended(await stage.begin('tenants-migrate', { tenants, to: { runner: 'runner-2' }, parallel: 1 }), 'succeeded');

  const plan = await did(stage, '/admin/v1/plan/reload', { kind: 'gateway', shard: 'gateway-1', reason });
  const answer = await (await stage.second()).post(`/admin/v1/plans/${String(plan['plan_id'])}/approve`, { reason });
  if (answer.status !== 200) throw new Error(`the approval was answered with ${JSON.stringify(answer.body)}`);
}
