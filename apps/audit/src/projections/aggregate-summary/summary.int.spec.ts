import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headPosition, listProjections, readLog, requestRebuild, waitForProjection } from '@fairlead/event-log';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { jobEvent, meta, startStack, type Stack } from '../../audit.fixture.js';
import { fold } from './evolve.js';
import { aggregateSummary } from './projection.js';
import { getAggregate, listAggregates } from './query.js';

// Real servers on a busy machine take their time.
let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
}, 120_000);

afterAll(() => stack.stop());

const { name } = aggregateSummary;
const level = async () => {
  const sql = stack.database.db;
  await waitForProjection({ sql, name, position: await headPosition(sql), timeoutMs: 20_000 });
};

async function expectFolded(): Promise<void> {
  await level();
  const sql = stack.database.db;
  const folded = [...fold(new Map(), await readLog(sql, { after: 0, limit: 10_000 })).values()];
  expect(await listAggregates(sql, {}, { before: 0, limit: 1_000 })).toEqual(folded.sort((a, b) => b.lastPosition - a.lastPosition));
}

describe('the summary of an aggregate', () => {
  it('tells what became of it, over several pages of events', async () => {
    const sql = stack.database.db;
    const first = await stack.append('job-orchestrator', jobEvent('job_a%b', 'job_queued'), jobEvent('job_a%b', 'step_started'));
    await level();
    const last = await stack.append('job-orchestrator', {
      ...jobEvent('job_a%b', 'step_started'),
      meta: meta({ tenant_id: 'acme', principal: 'service:job-orchestrator' }),
    });
    await stack.append('job-orchestrator', ...Array.from({ length: 30 }, (_, n) => jobEvent(`job_${n}`, 'constructor')));
    await level();
    expect(await getAggregate(sql, 'job', 'job_a%b')).toEqual({
      aggregateType: 'job',
      aggregateId: 'job_a%b',
      version: 3,
      firstPosition: first - 1,
      firstTime: expect.any(Date),
      lastPosition: last,
      lastTime: expect.any(Date),
      eventCounts: { job_queued: 1, step_started: 2 },
      lastType: 'step_started',
      lastPrincipal: 'service:job-orchestrator',
      // The metadata's is what a caller chose.
      tenantId: null,
    });
    const named = { ...jobEvent('job_of_tenant', 'job_queued'), payload: { params: { tenant_id: 'acme' }, tenant_id: 'acme' } };
    await stack.append('job-orchestrator', { ...named, meta: meta({ tenant_id: 'another' }) });
    await level();
    expect(await getAggregate(sql, 'job', 'job_of_tenant')).toMatchObject({ tenantId: 'acme' });
    expect(await getAggregate(sql, 'tenant', 'job_a%b')).toBeUndefined();
    await expectFolded();
  });

  it('is listed by type and the beginning of its id, the one that changed last first, page by page', async () => {
    const sql = stack.database.db;
    await stack.append('placement', { aggregateType: 'tenant', aggregateId: 'job_1', type: 'tenant_created', payload: {}, meta: meta() });
    await level();
    const idsOf = async (filter: Parameters<typeof listAggregates>[1]) =>
      (await listAggregates(sql, filter, { before: 0, limit: 100 })).map((row) => `${row.aggregateType}/${row.aggregateId}`);
    expect(await idsOf({ aggregateType: 'job', idPrefix: 'job_a%' })).toEqual(['job/job_a%b']);
    expect(await idsOf({ idPrefix: 'job_1' })).toEqual([
      'tenant/job_1',
      ...[19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 1].map((n) => `job/job_${n}`),
    ]);
    const whole = await listAggregates(sql, { aggregateType: 'job' }, { before: 0, limit: 100 });
    const paged = [];
    for (let page = whole.slice(0, 0), before = 0; before === 0 || page.length > 0; before = page.at(-1)?.lastPosition ?? -1) {
      page = before < 0 ? [] : await listAggregates(sql, { aggregateType: 'job' }, { before, limit: 7 });
      paged.push(...page);
    }
    expect(paged).toEqual(whole);
  });

  it('is the same after a rebuild, which is in the log with its swap', async () => {
    await stack.database.db.transaction((tx) => requestRebuild(tx, name));
    await eventually(
      async () => (await listProjections(stack.database.db, name))[0]?.epochs.some((each) => each.epoch === 2 && each.serving),
      {
        timeoutMs: 20_000,
        what: 'the swap',
      },
    );
    // It is told after the swap.
    await eventuallyHolds(
      async () => {
        const events = await readLog(stack.database.db, { after: 0, limit: 10_000 });
        expect(events.filter((event) => event.aggregateType === 'projection')).toMatchObject([
          { aggregateId: name, type: 'swapped', payload: { epoch: 2, previous_epoch: 1, position: expect.any(Number) } },
        ]);
      },
      { what: 'the swap to be in the log' },
    );
    await expectFolded();
  });
});
