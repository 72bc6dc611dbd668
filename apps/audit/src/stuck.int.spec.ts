import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { logV1 } from '@fairlead/contracts';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { jobEvent, startStack, type Stack } from './audit.fixture.js';
import { findStuck } from './stuck.js';

let stack: Stack;
let log: ReturnType<Stack['logOf']>;

beforeAll(async () => {
  stack = await startStack();
  log = stack.logOf('viewer');
}, 120_000);

afterAll(() => stack.stop());

const inAnHour = () => new Date(Date.now() + 3_600_000);
const findings = async (now = inAnHour()) =>
  (await findStuck({ sql: stack.database.db, messaging: stack.nats.messaging }, now)).findings.map(({ what, subject, severity }) => [
    what,
    subject,
    severity,
  ]);

describe('aggregates', () => {
  it('are listed, what changed last first, and shown with what they have', async () => {
    for (const id of ['job_a1', 'job_a2', 'job_b1']) await stack.append('job-orchestrator', jobEvent(id, 'job_created'));
    const position = await stack.append('job-orchestrator', jobEvent('job_a1', 'job_started'));
    const list = (more: Partial<logV1.ListAggregatesRequest>) =>
      log.listAggregates(logV1.ListAggregatesRequest.fromPartial({ waitForPosition: position, ...more }));
    const ids = ({ aggregates }: logV1.ListAggregatesResponse) => aggregates.map(({ aggregateId }) => aggregateId);
    expect(ids(await list({ aggregateType: 'job' }))).toEqual(['job_a1', 'job_b1', 'job_a2']);
    expect(ids(await list({ idPrefix: 'job_a' }))).toEqual(['job_a1', 'job_a2']);
    const first = await list({ limit: 2 });
    expect([ids(first), ids(await list({ limit: 2, before: first.nextBefore }))]).toEqual([['job_a1', 'job_b1'], ['job_a2']]);
    const { aggregate } = await log.getAggregate({ aggregateType: 'job', aggregateId: 'job_a1', waitForPosition: position });
    expect(aggregate).toMatchObject({
      version: 2,
      lastPosition: position,
      eventCounts: { job_created: 1, job_started: 1 },
      lastType: 'job_started',
    });
    await expect(log.getAggregate({ aggregateType: 'job', aggregateId: 'nobody', waitForPosition: 0 })).rejects.toMatchObject({
      code: 'aggregate_not_found',
    });
    await expect(list({ waitForPosition: position + 1_000 })).rejects.toMatchObject({ code: 'log_behind' });
    await expect(list({ limit: 201 })).rejects.toMatchObject({ code: 'invalid_argument' });
    const nobody = stack.logOf();
    await expect(nobody.listAggregates(logV1.ListAggregatesRequest.fromPartial({}))).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(nobody.listStuck({})).rejects.toMatchObject({ code: 'permission_denied' });
  });
});

describe('nothing is stuck', () => {
  it('while all get on', async () => {
    expect(await log.listStuck({})).toEqual({ findings: [], notChecked: [] });
    // The relay may have yet to begin.
    await eventuallyHolds(
      async () => {
        expect(await findings()).toEqual([]);
      },
      { what: 'nothing to be stuck', timeoutMs: 20_000 },
    );
  });
});

describe('what is stuck is told', () => {
  it('a consumer that gets on with nothing', async () => {
    const { messaging } = stack.nats;
    const manager = await messaging.manager();
    const { name } = messaging.topology.streams.evt;
    const subjects = messaging.topology.subjects;
    await manager.consumers.add(name, { durable_name: 'sleeper', filter_subject: subjects.eventsOf('job') });
    await manager.consumers.add(name, { durable_name: 'content', filter_subject: subjects.eventsOf('shard') });
    expect(await findings(new Date())).toEqual([]);
    expect(await findings()).toEqual([['consumer_behind', 'sleeper', 'critical']]);
    const { findings: told } = await findStuck({ sql: stack.database.db, messaging }, inAnHour());
    expect(told[0]?.advice).toBe('nobody listens: start sleeper');
    await manager.consumers.delete(name, 'sleeper');
    await manager.consumers.delete(name, 'content');
  });

  it('a projection that is paused for long', async () => {
    const admin = stack.projectionsOf('admin');
    await admin.pauseProjection({ name: 'audit_record', reason: 'a test' });
    expect(await findings(new Date())).toEqual([]);
    expect(await findings()).toEqual([['projection_paused', 'audit_record', 'warning']]);
    await admin.resumeProjection({ name: 'audit_record', reason: 'a test' });
    await eventually(async () => (await findings()).length === 0, { what: 'the projection to go on' });
  });

  it('dead letters, also as a metric', async () => {
    const { messaging } = stack.nats;
    const consumer = messaging.consume({
      ...{ name: 'broken', stream: 'evt', filters: [messaging.topology.subjects.eventsOf('job', 'poison')], maxDeliver: 1 },
      handler: () => Promise.reject(new Error('poison')),
    });
    await stack.append('job-orchestrator', jobEvent('job_a1', 'poison'));
    await eventually(async () => (await findings(new Date())).some(([what]) => what === 'dead_letters'), { what: 'a dead letter' });
    await consumer.stop();
    const metrics = await (await fetch(`${stack.service().httpUrl}/metrics`)).text();
    expect(metrics).toContain('fairlead_stuck{what="dead_letters",subject="broken",severity="warning"} 1');
  });

  it('partitions that are short of need', async () => {
    const { adminSql } = stack.database;
    const [kept] = await adminSql.query<{ until: number }>('select partitioned_until as until from log.head');
    await adminSql.query('alter table log.head disable trigger user');
    await adminSql.query('update log.head set partitioned_until = position + 2');
    expect(await findings(new Date())).toContainEqual(['partitions_short', 'log.event', 'critical']);
    await adminSql.query('update log.head set partitioned_until = $1', [kept?.until]);
  });

  it('the relay, which does not run while audit is down', async () => {
    const { nats } = stack;
    await stack.service().stop();
    await stack.append('job-orchestrator', jobEvent('job_a1', 'job_succeeded'));
    expect(await findings(new Date())).not.toContainEqual(expect.arrayContaining(['relay_behind']));
    expect(await findings()).toContainEqual(['relay_behind', nats.messaging.topology.streams.evt.name, 'critical']);
  });

  it('what can not be looked at when the log can not be read: of that nothing is said to be well', async () => {
    const { adminSql } = stack.database;
    await adminSql.query('revoke select on log.head from fairlead_audit');
    const { notChecked } = await findStuck({ sql: stack.database.db, messaging: stack.nats.messaging }, new Date());
    await adminSql.query('grant select on log.head to fairlead_audit');
    expect(notChecked).toEqual(
      ['projections', 'partitions', 'relay', 'audit_chain'].map((what) => ({
        what,
        why: expect.stringContaining('permission denied for table head'),
      })),
    );
  });

  it('NATS being away, and what can not be looked at then', async () => {
    const { messaging } = stack.nats;
    await messaging.close();
    const { findings: told, notChecked } = await findStuck({ sql: stack.database.db, messaging }, new Date());
    expect(told.map(({ what }) => what)).toContain('nats_away');
    expect(notChecked.map(({ what }) => what)).toEqual(['relay', 'consumers', 'dead_letters']);
  });
});
