import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditV1, logV1, newId } from '@fairlead/contracts';
import type { EventMeta } from '@fairlead/event-log';
import { eventually } from '@fairlead/testing';
import { jobEvent, meta, positionsOf, startStack, type Stack } from './audit.fixture.js';

// Real servers on a busy machine take their time.
let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
}, 120_000);

afterAll(() => stack.stop());

describe('a record', () => {
  it('tells who did what, why, with every id, as soon as asked for', async () => {
    const ids = {
      request_id: newId('request'),
      correlation_id: newId('correlation'),
      trace_id: 'f'.repeat(32),
      job_id: newId('job'),
      step: 'drain',
    };
    const position = await stack.append('provisioner', {
      aggregateType: 'service_command',
      aggregateId: 'runner/runner-1/acme',
      type: 'drain_requested',
      payload: { fence: 7, nested: { list: [1, 'two', null, true] } },
      meta: {
        ...ids,
        principal: 'user:usr_ada',
        via: 'job-orchestrator',
        tenant_id: 'acme',
        reason: 'make room',
        source_address: '2001:db8::7',
      },
    });
    const response = await stack.list({ requestId: ids.request_id, waitForPosition: position });
    expect(response).toEqual({
      sealedUntil: 0,
      records: [
        {
          position,
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
          action: 'service_command.drain_requested',
          principal: 'user:usr_ada',
          via: 'job-orchestrator',
          tenantId: 'acme',
          resourceType: 'service_command',
          resourceId: 'runner/runner-1/acme',
          requestId: ids.request_id,
          correlationId: ids.correlation_id,
          traceId: ids.trace_id,
          jobId: ids.job_id,
          step: 'drain',
          reason: 'make room',
          sourceAddress: '2001:db8::7',
          outcome: 'requested',
          details: { fence: 7, nested: { list: [1, 'two', null, true] } },
        },
      ],
      nextBefore: 0,
      position,
    });
  });

  it('is found under the tenant that it is about, whichever tenant the request was for', async () => {
    const ids = { request_id: newId('request'), tenant_id: 'initech' };
    const move = { tenant_id: 'hooli', moves: [], revision: 1, epoch: 1, idempotency_key: 'k', fence: 1 };
    const moved = await stack.append('placement', {
      ...{ aggregateType: 'placement_map', aggregateId: 'hooli', type: 'tenant_moved', payload: move, meta: meta(ids) },
    });
    const position = await stack.append('job-orchestrator', { ...jobEvent(newId('job'), 'job_started'), meta: meta(ids) });
    const log = stack.logOf('viewer');
    for (const [tenantId, expected] of [
      ['hooli', [moved]],
      ['initech', [position]],
    ] as const) {
      expect(positionsOf(await stack.list({ tenantId, waitForPosition: position }))).toEqual(expected);
      const { events } = await log.listEvents(logV1.ListEventsRequest.fromPartial({ tenantId }));
      expect(events.map((event) => event.position)).toEqual(expected);
    }
  });

  it('is kept of the largest event there may be, cut to its bounds', async () => {
    const payload = { text: '\u{1f6a2}'.repeat(60_000), deep: Array.from({ length: 60 }).reduce<unknown>((inner) => [inner], 'end') };
    const position = await stack.append('placement', {
      aggregateType: 'tenant',
      aggregateId: 'big',
      type: 'tenant_created',
      payload,
      meta: meta(),
    });
    const { records } = await stack.list({ tenantId: 'big', waitForPosition: position });
    expect(records).toHaveLength(1);
    expect(records[0]?.details).toMatchObject({ cut_from_bytes: expect.any(Number), text: expect.stringMatching(/^\u{1f6a2}+…$/u) });
  });

  it('is kept of an event whose meta went wrong', async () => {
    const wrong = JSON.stringify([
      {
        command_id: newId('command'),
        events: [
          {
            aggregate_type: 'tenant',
            aggregate_id: 'odd',
            type: 't'.repeat(250),
            schema_version: 1,
            payload: { odd: [1, 2] },
            meta: { job_id: 5, reason: 'r'.repeat(9_000) },
          },
        ],
      },
    ]);
    const placement = await stack.writer('placement');
    const rows = await placement.query<{ last_position: number }>('select last_position from log.append($1::jsonb)', [wrong]);
    const { records } = await stack.list({ tenantId: 'odd', waitForPosition: rows[0]?.last_position ?? 0 });
    expect(records).toEqual([expect.objectContaining({ principal: 'unknown', requestId: '', jobId: '', details: { odd: [1, 2] } })]);
  });
});

describe('filters', () => {
  const tenant = 'filters';
  let positions: { drain: number; moved: number; failed: number; login: number };
  let ids: { drain: Partial<EventMeta>; moved: Partial<EventMeta> };

  beforeAll(async () => {
    ids = {
      drain: meta({ tenant_id: tenant, principal: 'user:usr_grace', job_id: newId('job'), trace_id: 'a'.repeat(32), step: 'drain' }),
      moved: meta({ tenant_id: tenant, principal: 'user:usr_grace', job_id: newId('job'), trace_id: 'b'.repeat(32) }),
    };
    /** The trail tells times in milliseconds: two events in one could not be told apart. */
    const later = async (...given: Parameters<Stack['append']>) => {
      const before = Date.now();
      await eventually(() => Date.now() > before + 1, { intervalMs: 1, what: 'the clock to go on' });
      return stack.append(...given);
    };
    positions = {
      drain: await stack.append('provisioner', {
        aggregateType: 'service_command',
        aggregateId: 'x',
        type: 'drain_requested',
        payload: {},
        meta: ids.drain,
      }),
      moved: await later('placement', {
        aggregateType: 'tenant',
        aggregateId: tenant,
        type: 'tenant_moved',
        payload: {},
        meta: ids.moved,
      }),
      failed: await later('placement', {
        aggregateType: 'tenant',
        aggregateId: tenant,
        type: 'tenantXmoved_failed',
        payload: {},
        meta: meta({ principal: 'user:usr_grace' }),
      }),
      login: await later('api-gateway', {
        aggregateType: 'user',
        aggregateId: 'usr_grace',
        type: 'login_succeeded',
        payload: {},
        meta: meta({ principal: 'user:usr_grace' }),
      }),
    };
    await stack.list({ waitForPosition: positions.login });
  });

  it('find by principal, tenant, action and each id, newest first', async () => {
    const { drain, moved, failed, login } = positions;
    const cases: [Partial<auditV1.ListRecordsRequest>, number[]][] = [
      [{ principal: 'user:usr_grace' }, [login, failed, moved, drain]],
      [{ tenantId: tenant }, [failed, moved, drain]],
      [{ tenantId: tenant, action: 'tenant' }, [failed, moved]],
      [{ tenantId: tenant, action: 'tenant.' }, [failed, moved]],
      [{ tenantId: tenant, action: 'tenant.*' }, [failed, moved]],
      // The underscore of a prefix stands for itself.
      [{ tenantId: tenant, action: 'tenant.tenant_*' }, [moved]],
      [{ tenantId: tenant, action: 'tenant.tenant_moved' }, [moved]],
      [{ tenantId: tenant, action: 'tenant.tenant' }, []],
      [{ tenantId: tenant, action: 'service_command.drain*' }, [drain]],
      [{ principal: 'user:usr_grace', action: 'user.login_succeeded' }, [login]],
      [{ requestId: ids.drain.request_id }, [drain]],
      [{ correlationId: ids.moved.correlation_id }, [moved]],
      [{ traceId: ids.moved.trace_id }, [moved]],
      [{ jobId: ids.drain.job_id }, [drain]],
      [{ jobId: ids.drain.job_id, tenantId: 'acme' }, []],
      [{ tenantId: "x' or true --" }, []],
    ];
    for (const [filter, expected] of cases) expect([filter, positionsOf(await stack.list(filter))]).toEqual([filter, expected]);
  });

  it('find by time, from inclusive, to exclusive, in any offset', async () => {
    const { records } = await stack.list({ principal: 'user:usr_grace' });
    const times = records.map(({ time }) => time).reverse();
    const [, second = '', third = ''] = times;
    expect(positionsOf(await stack.list({ principal: 'user:usr_grace', fromTime: second, toTime: third }))).toEqual([positions.moved]);
    const inOffset = new Date(Date.parse(third) + 7_200_000).toISOString().replace('Z', '+02:00');
    expect(positionsOf(await stack.list({ principal: 'user:usr_grace', fromTime: inOffset }))).toEqual([positions.login, positions.failed]);
  });

  it.each([
    [{ fromTime: 'yesterday' }],
    [{ toTime: '2026-11-01' }],
    [{ action: 'Tenant%' }],
    [{ limit: 1_001 }],
    [{ limit: -1 }],
    [{ before: -1 }],
    [{ jobId: 'x'.repeat(201) }],
  ])('that make no sense are refused: %j', async (filter) => {
    await expect(stack.list(filter)).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describe('pages', () => {
  it('follow 2,345 records without a gap or a repeat while others are added', async () => {
    const jobId = newId('job');
    const many = Array.from({ length: 2_345 }, (_, n) => jobEvent(jobId, `step_${n % 2 === 0 ? 'started' : 'succeeded'}`));
    const appended: number[] = [];
    for (let from = 0; from < many.length; from += 500) {
      const chunk = many.slice(from, from + 500);
      const last = await stack.append('job-orchestrator', ...chunk);
      appended.push(...chunk.map((_, n) => last - chunk.length + 1 + n));
    }
    await stack.list({ waitForPosition: appended.at(-1) });
    const seen: number[] = [];
    for (let before = 0, pages = 0; pages < 10; pages++) {
      const page = await stack.list({ jobId, limit: 1_000, before });
      seen.push(...positionsOf(page));
      await stack.append('job-orchestrator', jobEvent(jobId, 'step_retrying'));
      before = page.nextBefore;
      if (before === 0) break;
    }
    expect(seen).toEqual(appended.reverse());
  });

  it('have 100 records unless asked otherwise, and end early rather than grow too large to send', async () => {
    const jobId = newId('job');
    const payload = { list: Array.from({ length: 3_900 }, () => 1) };
    const last = await stack.append(
      'job-orchestrator',
      ...Array.from({ length: 200 }, () => ({ ...jobEvent(jobId, 'step_started'), payload })),
    );
    const page = await stack.list({ jobId, limit: 1_000, waitForPosition: last });
    expect(page.records.length).toBeLessThan(200);
    expect(page.nextBefore).toBe(page.records.at(-1)?.position);
    const rest = await stack.list({ jobId, limit: 1_000, before: page.nextBefore });
    expect(page.records.length + rest.records.length).toBe(200);
    expect((await stack.list({ jobId })).records).toHaveLength(100);
  });
});

describe('permission', () => {
  it('is needed: every role may read, others may not', async () => {
    const all = auditV1.ListRecordsRequest.fromPartial({ limit: 1 });
    for (const role of ['viewer', 'operator', 'admin'] as const) {
      expect((await stack.clientOf(role).listRecords(all)).records).toHaveLength(1);
    }
    await expect(stack.clientOf().listRecords(all)).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(stack.clientWith(() => 'no token').listRecords(all)).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});

describe('what something was done to', () => {
  it('finds its records, whatever else is asked', async () => {
    const about = (id: string, type: string) => stack.append('placement', { aggregateType: 'tenant', aggregateId: id, type, payload: {} });
    await about('target:a', 'tenant_created');
    await about('target:b', 'tenant_created');
    const last = await about('target:a', 'tenant_changed');
    const actionsOf = async (filter: Partial<auditV1.ListRecordsRequest>) =>
      (await stack.list({ resource: 'tenant:target:a', waitForPosition: last, ...filter })).records.map(({ action }) => action);
    expect(await actionsOf({})).toEqual(['tenant.tenant_changed', 'tenant.tenant_created']);
    expect(await actionsOf({ action: 'tenant.tenant_created' })).toEqual(['tenant.tenant_created']);
    expect(await actionsOf({ principal: 'user:usr_nobody' })).toEqual([]);
    await expect(actionsOf({ resource: 'tenant' })).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describe('indexes', () => {
  it('serve every filter and the newest page without reading the whole trail', async () => {
    await stack.database.adminSql.query('analyze audit.record_e1');
    const filters = [
      "principal = 'user:usr_grace'",
      "tenant_id = 'filters'",
      "action = 'tenant.tenant_moved'",
      "action like 'tenant.%'",
      "request_id = 'r'",
      "correlation_id = 'c'",
      "trace_id = 't'",
      "job_id = 'j'",
      "time >= '2100-01-01'",
      'true',
    ];
    for (const filter of filters) {
      const plan = await stack.database.adminSql.query<{ 'QUERY PLAN': string }>(
        `explain select * from audit.record where ${filter} and position < 9999999 order by position desc limit 100`,
      );
      expect([filter, plan.map((row) => row['QUERY PLAN']).join('\n')]).toEqual([filter, expect.not.stringContaining('Seq Scan')]);
    }
  });
});

describe('a reader whose grants are on some tenants', () => {
  it('lists the records of these alone', async () => {
    const about = (tenant_id: string | undefined, n: number) =>
      stack.append('job-orchestrator', { ...jobEvent(newId('job'), 'job_queued', { n }), meta: meta({ tenant_id }) });
    await about('part-a', 1);
    await about('part-b', 2);
    await about(undefined, 3);
    const last = await about('part-c', 4);
    await stack.list({ tenantId: 'part-c', waitForPosition: last });
    const reader = stack.clientOn(['part-a', 'part-c'], 'audit.read');
    const tenantsOf = async (filter: Partial<auditV1.ListRecordsRequest>) =>
      (await reader.listRecords(auditV1.ListRecordsRequest.fromPartial(filter))).records.map(({ tenantId }) => tenantId);
    expect(await tenantsOf({})).toEqual(['part-c', 'part-a']);
    expect(await tenantsOf({ tenantId: 'part-a' })).toEqual(['part-a']);
    await expect(tenantsOf({ tenantId: 'part-b' })).rejects.toMatchObject({
      code: 'permission_denied',
      details: { scope: '/tenants/part-b' },
    });
    await expect(stack.clientOn(['part-a'], 'job.read').listRecords(auditV1.ListRecordsRequest.fromPartial({}))).rejects.toMatchObject({
      code: 'permission_denied',
    });
  });
});
