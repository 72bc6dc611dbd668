import { randomUUID } from 'node:crypto';
import type { Operator } from './operator.js';

const reason = 'part of a history';

/** Routes that come into force and go back to the defaults; and routes that a gateway does not go by, which never come into force. */
export async function configHappens(ann: Operator): Promise<void> {
  const change = async (how: 'apply' | 'rollback', body: Record<string, unknown>): Promise<string> => {
    const { body: plan } = await ann.post<{ digest: string }>(`/admin/v1/plan/config/${how}`, { domain: 'routing', reason, ...body });
    const start = { plan_digest: plan.digest, reason };
    const { status, body: job } = await ann.post<{ job_id: string }>(`/admin/v1/jobs/config/${how}`, start, {
      'idempotency-key': randomUUID(),
    });
    if (status !== 202) throw new Error(`the ${how} was answered with ${JSON.stringify(job)}`);
    return (await ann.ended(job.job_id)).status;
  };
  const routes = (timeoutMs: number) => ({
    content: { routes: [{ id: 'all', path_prefix: '/', to: { kind: 'aggregate' }, timeout_ms: timeoutMs }] },
  });
  const ends = [await change('apply', routes(1_000)), await change('rollback', { revision: 0 })];
  await ann.turn('gateway', 'gateway-1', { misroutes: true });
  ends.push(await change('apply', routes(2_000)));
  await ann.turn('gateway', 'gateway-1', { misroutes: false });
  if (ends.join() !== 'succeeded,succeeded,failed') throw new Error(`the changes of configuration were ${ends.join()}`);
}
