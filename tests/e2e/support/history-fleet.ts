/** The part of a history that tells of jobs of many jobs: shards and nodes that stop and go on, a balance, a shard that goes for good. */
import { eventually } from '@fairlead/testing';
import type { JobStage } from './history-jobs.js';

interface Shard {
  readonly kind: string;
  readonly shard_id: string;
  readonly endpoints: unknown[];
  readonly labels: Record<string, string>;
}

/** Nobody may be pinned to the shard. */
export async function fleetHappens(stage: JobStage, shard: string): Promise<void> {
  const { ann } = stage;
  const runner = { kind: 'runner', shard };
  /** As soon as nothing blocks it: the gateways may be behind what was done before. */
  const begin = (kind: string, params: Record<string, unknown>) =>
    eventually(() => stage.begin(kind, params), { timeoutMs: 30_000, intervalMs: 200, what: `a ${kind} to be started` });
  const succeeds = async (kind: string, params: Record<string, unknown>) => stage.ended(await begin(kind, params), 'succeeded');
  /** Cancelled while one of its jobs stands still before a step. */
  const isTakenBack = async (kind: string, params: Record<string, unknown>, child: string, step: string) => {
    const { jobId, release } = await stage.pausedAt(step, () => begin(kind, params), child);
    const { status } = await ann.post(`/admin/v1/jobs/${jobId}/cancel`, { reason: 'not today' });
    if (status >= 300) throw new Error(`the cancel was answered with ${String(status)}`);
    release();
    await stage.ended(jobId, 'cancelled');
  };

  await isTakenBack('shard-drain', runner, 'tenant-drain', 'drain');
  await succeeds('shard-drain', runner);
  await succeeds('shard-resume', runner);

  const { body } = await ann.get<{ items: Shard[] }>('/admin/v1/shards');
  for (const { kind, shard_id: id, endpoints, labels } of body.items)
    if ((kind === 'runner' && id === shard) || (kind === 'projection' && id === 'projection-1'))
      await ann.put(`/admin/v1/shards/${kind}/${id}`, { endpoints, labels: { ...labels, node: 'host-1' } });
  await isTakenBack('node-drain', { node: 'host-1' }, 'shard-drain', 'drain');
  await succeeds('node-drain', { node: 'host-1' });
  await succeeds('node-resume', { node: 'host-1' });

  await isTakenBack('shard-decommission', runner, 'tenant-migrate', 'drain');
  // All to one shard: there is something to be balanced then.
  await succeeds('shard-decommission', { ...runner, to: 'runner-1' });
  const balance = { kind: 'runner', mode: 'balance', cooldown_seconds: 0, max_moves: 2 };
  await isTakenBack('rebalance', balance, 'tenant-migrate', 'drain');
  await succeeds('rebalance', balance);
}
