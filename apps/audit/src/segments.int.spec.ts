// Real: the audit service with its Postgres, NATS and gRPC, an anchor file and a folder for sealed segments.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually, testFolder } from '@fairlead/testing';
import { jobEvent, positionsOf, startStack, type Stack } from './audit.fixture.js';

jest.setTimeout(120_000);

let stack: Stack;
const folder = join(testFolder('segments'), 'kept');

beforeAll(async () => {
  stack = await startStack({
    ...{ AUDIT_ANCHOR_FILE: join(testFolder('anchors'), 'anchors.jsonl'), AUDIT_ANCHOR_EVERY_MS: '50' },
    ...{ AUDIT_SEGMENT_FOLDER: folder, AUDIT_SEGMENT_EVENTS: '4', AUDIT_SEAL_EVERY_MS: '3600000' },
  });
}, 120_000);

afterAll(() => stack.stop());

describe('the audit service', () => {
  it('seals what an operator asks for, says who asked, and lists it', async () => {
    const position = await stack.append('job-orchestrator', ...Array.from({ length: 10 }, (_, n) => jobEvent(`job_${n}`, 'job_queued')));
    await eventually(async () => ((await stack.chainOf('viewer').getChain({})).anchor?.position ?? 0) >= position, {
      what: 'all to be anchored',
    });
    await stack.list({ waitForPosition: position });
    const chain = stack.chainOf('admin');
    const before = await chain.listSegments({ after: 0, limit: 0 });
    expect(before).toMatchObject({
      segments: [],
      sealing: { enabled: true, sealedUntil: 0, segmentEvents: 4, retentionDays: 0, stopped: '' },
    });
    const asked = await chain.sealTrail({ before: '', reason: 'make room' });
    const sealing = await eventually(
      async () => {
        const found = (await chain.listSegments({ after: 0, limit: 1 })).sealing;
        return found?.droppedUntil === 8 ? found : undefined;
      },
      { timeoutMs: 60_000, what: 'two segments to be sealed' },
    );
    expect(sealing).toMatchObject({ sealedUntil: 8, segments: 2, stopped: '' });
    const first = await chain.listSegments({ after: 0, limit: 1 });
    expect(first).toMatchObject({ nextAfter: 4, segments: [{ fromPosition: 1, toPosition: 4 }] });
    const second = await chain.listSegments({ after: first.nextAfter, limit: 1 });
    expect(second).toMatchObject({ nextAfter: 0, segments: [{ fromPosition: 5, toPosition: 8 }] });
    // The trail begins behind it and says so; it tells who asked, and what was done for it.
    const told = await stack.list({ action: 'event_log.trail*', waitForPosition: asked.position + 2 });
    expect(told.sealedUntil).toBe(8);
    expect(told.records.map(({ action, reason }) => [action, reason])).toEqual([
      ['event_log.trail_sealed', ''],
      ['event_log.trail_sealed', ''],
      ['event_log.trail_sealing_requested', 'make room'],
    ]);
    expect(new Set(told.records.map(({ correlationId }) => correlationId)).size).toBe(1);
    expect(Math.min(...positionsOf(await stack.list({})))).toBe(9);
    const metrics = await (await fetch(`${stack.service().httpUrl}/metrics`)).text();
    for (const [name, value] of [
      ['sealed_position', 8],
      ['dropped_position', 8],
      ['sealing_stopped', 0],
    ] as const)
      expect(metrics).toMatch(new RegExp(`^fairlead_audit_${name}(\\{\\})? ${value}$`, 'm'));
  });

  it('finds sealed events in the log all the same, and verifies the files', async () => {
    const found = await stack.logOf('viewer').listEvents({
      ...{
        limit: 0,
        oldestFirst: true,
        cursor: 0,
        fromPosition: 0,
        toPosition: 0,
        aggregateType: '',
        aggregateId: '',
        eventType: 'job.job_queued',
      },
      ...{ tenantId: '', principal: 'user:usr_ada', requestId: '', correlationId: '', traceId: '', jobId: '' },
    });
    expect(found.events.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let checked = await stack.chainOf('viewer').verifyChain({ cursor: '' });
    while (checked.cursor !== '') checked = await stack.chainOf('viewer').verifyChain({ cursor: checked.cursor });
    expect(checked).toMatchObject({ broken: undefined, sealedUntil: 8, segments: 2 });
  });

  it('refuses what it can not take, and who may not', async () => {
    const seal = (request: { before: string; reason: string }) => stack.chainOf('admin').sealTrail(request);
    const later = new Date(Date.now() + 3_600_000).toISOString();
    for (const request of [
      { before: '', reason: ' ' },
      { before: 'yesterday', reason: 'x' },
      { before: later, reason: 'x' },
    ])
      await expect(seal(request)).rejects.toMatchObject({ code: 'invalid_argument' });
    for (const role of ['viewer', 'operator'] as const)
      await expect(stack.chainOf(role).sealTrail({ before: '', reason: 'x' })).rejects.toMatchObject({ code: 'permission_denied' });
    expect((await stack.list({ action: 'event_log.trail_sealing_requested' })).records).toHaveLength(1);
  });
});
