/** Services as processes of their own, killed in the middle of their work. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventually, eventuallyHolds, testFolder } from '@fairlead/testing';
import { Operator } from './support/operator.js';

let stack: Stack;
let ann: Operator;

beforeAll(async () => {
  stack = await startStack({ stateDir: testFolder('stack'), port: 0, separate: true, sim: true, log: () => undefined });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
}, 180_000);

afterAll(async () => {
  await stack.stop();
}, 60_000);

describe('kill -9', () => {
  it('of the orchestrator in the middle of a drain: the job goes on and succeeds, counts exact', async () => {
    const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants');
    const tenant = body.items[0]?.tenant_id ?? '';
    const from = await ann.placementOf(tenant);
    const to = await ann.elsewhere(tenant);
    await ann.turn('runner', from['runner'] ?? '', { stuck: true });
    const jobId = await ann.migrate(tenant, to);
    await ann.stepReaches(jobId, 'wait-drained', 'running');
    const pid = stack.pids()['job-orchestrator'] ?? 0;
    process.kill(pid, 'SIGKILL');
    await ann.turn('runner', from['runner'] ?? '', { stuck: false });
    await eventuallyHolds(
      () => {
        expect(stack.pids()['job-orchestrator']).not.toBe(pid);
      },
      { timeoutMs: 30_000, what: 'the orchestrator to be started again' },
    );
    await eventually(() => ann.job(jobId), { timeoutMs: 30_000, what: 'the orchestrator to answer' });
    const job = await ann.ended(jobId, 60_000);
    expect({ status: job.status, error: job.error }).toEqual({ status: 'succeeded', error: null });
    expect(job.steps.find((step) => step.name === 'wait-drained')?.attempts).toBeGreaterThan(1);
    expect(await ann.placementOf(tenant)).toEqual(to);
    expect(await ann.reportAfter(200)).toMatchObject({ lost: 0, doubled: 0, wrong_owner: 0 });
  }, 120_000);
});
