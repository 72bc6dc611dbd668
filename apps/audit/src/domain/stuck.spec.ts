import { describe, expect, it } from '@jest/globals';
import type { EpochState, ProjectionState, RebuildProgress } from '@fairlead/event-log';
import { limits, stuckChain, stuckProjection } from './stuck.js';

const began = new Date('2026-11-01T10:00:00Z');
const after = (ms: number) => new Date(began.getTime() + ms);

const epoch = (more: Partial<EpochState> = {}): EpochState => ({
  ...{ epoch: 1, serving: true, version: 1, position: 40, parts: 1, stopped: null, rebuild: null, updatedAt: began },
  ...more,
});
const filling = (more: Partial<RebuildProgress> = {}, state: Partial<EpochState> = {}): EpochState =>
  epoch({
    ...{ epoch: 2, serving: false, position: 10, ...state },
    rebuild: { from: 0, head: 40, startedAt: began, movedAt: began, levelAt: null, ...more },
  });
const projection = (more: Partial<ProjectionState> = {}): ProjectionState => ({
  ...{ name: 'trail', owner: 'audit', paused: false, rebuildRequested: false, rebuildRequestedAt: null, epochs: [epoch()] },
  ...{ lag: 0, lagSeconds: 0, controlledAt: began, updatedAt: began },
  ...more,
});
const told = (state: ProjectionState, now: Date) =>
  stuckProjection(state, now).map(({ what, since, message }) => [what, since?.getTime(), message]);

describe('a rebuild', () => {
  const late = after(limits.rebuildMs);

  it.each<[string, ProjectionState, string]>([
    ['that nobody begins', projection({ rebuildRequested: true, rebuildRequestedAt: began }), 'nobody has begun it'],
    ['that stands still', projection({ epochs: [epoch(), filling()] }), 'epoch 2 stands at 10 of 40'],
    ['that is not swapped in', projection({ epochs: [epoch(), filling({ levelAt: began }, { position: 40 })] }), 'epoch 2 is level'],
  ])('%s is told after a while, with since when', (_, state, message) => {
    expect(told(state, after(limits.rebuildMs - 1))).toEqual([]);
    expect(told(state, late)).toEqual([['rebuild_stalled', began.getTime(), expect.stringContaining(message)]]);
    // It had no chance while it was paused.
    expect(told({ ...state, controlledAt: late }, late)).toEqual([]);
    expect(told({ ...state, paused: true }, late)).toEqual([]);
  });

  it('that gets on, or has come to the head, is not', () => {
    expect(told(projection({ epochs: [epoch(), filling({ movedAt: after(1) })] }), late)).toEqual([]);
    expect(told(projection({ epochs: [epoch(), filling({}, { position: 40 })] }), late)).toEqual([]);
  });

  it('is told beside the lag of the epoch that serves', () => {
    const state = projection({ lag: 3, lagSeconds: limits.laggingMs / 1_000, epochs: [epoch(), filling()] });
    expect(told(state, late).map(([what]) => what)).toEqual(['projection_lagging', 'rebuild_stalled']);
  });
});

describe('a projection that is behind', () => {
  it('is told by how many events too, since a clock that went back gives them no age', () => {
    expect(told(projection({ lag: limits.laggingEvents - 1 }), began)).toEqual([]);
    expect(told(projection({ lag: limits.laggingEvents }), began)).toEqual([['projection_lagging', undefined, '10000 events behind']]);
  });
});

describe('a projection that is stopped', () => {
  it('is told with since when it is, whatever other parts do', () => {
    const stopped = { position: 41, reason: 'no such field', part: 0, since: began };
    expect(told(projection({ epochs: [epoch({ stopped, updatedAt: after(500) })] }), after(1_000))).toEqual([
      ['projection_stopped', began.getTime(), expect.stringContaining('no such field')],
    ]);
  });
});

describe('the audit chain', () => {
  const now = after(limits.criticalMs);
  const told = (more: { lag?: number; lagSeconds?: number; stopped?: string; unpostedSeconds?: number }) =>
    stuckChain({ lag: 0, lagSeconds: 0, stopped: undefined, unpostedSeconds: 0, ...more }, now).map(({ what, severity, message }) => [
      what,
      severity,
      message,
    ]);

  it('is not stuck while it follows the log, nor for a moment', () => {
    expect(told({})).toEqual([]);
    expect(told({ lag: 50_000, lagSeconds: 29.9 })).toEqual([]);
    expect(told({ unpostedSeconds: 299.9 })).toEqual([]);
  });

  it('is stuck when an event waits for long, or nothing can be anchored', () => {
    expect(told({ lag: 3, lagSeconds: 30 })).toEqual([['chain_behind', 'warning', '3 events behind the log']]);
    expect(told({ lag: 3, lagSeconds: limits.criticalMs / 1_000, stopped: 'the disk is full' })).toEqual([
      ['chain_behind', 'critical', '3 events behind the log'],
      ['anchors_stopped', 'critical', 'the disk is full'],
    ]);
  });

  it('is stuck when the receiver of anchors takes none', () => {
    const message = 'an anchor of 300 s ago is not posted yet';
    expect(told({ unpostedSeconds: 300 })).toEqual([['anchors_unposted', 'warning', message]]);
    expect(told({ unpostedSeconds: 3_600 })).toEqual([['anchors_unposted', 'critical', expect.stringContaining('3600 s')]]);
  });
});
